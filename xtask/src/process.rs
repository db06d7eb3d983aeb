//! Starting other programs: where they run, what PATH they see, what a failure says.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Result;

/// The top folder of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable at run time; the folder that was compiled in serves when the program is started by hand.
    let package =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map(Path::to_path_buf).unwrap_or(package)
}

/// A program to be run in the repository's top folder, with the tools of this project first on PATH.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let path = search_path();
    let mut command = Command::new(find_in(&path, program).unwrap_or_else(|| program.into()));
    command.args(arguments).current_dir(root()).env("PATH", path);
    command
}

/// Where a program is, if it can be found.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    find_in(&search_path(), program)
}

/// Runs a program to its end; its output goes to the terminal.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result {
    run_command(command(program, arguments))
}

/// As [`run`], for a command with an environment of its own.
pub(crate) fn run_command(mut command: Command) -> Result {
    let line = describe(&command);
    let status = command.status().map_err(|error| format!("`{line}` does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})")) }
}

/// Runs a program, printing each line of its standard output as it comes and showing it to `read`.
pub(crate) fn run_reading(mut command: Command, mut read: impl FnMut(&str)) -> Result {
    let line = describe(&command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| format!("`{line}` does not start: {error}"))?;
    if let Some(output) = child.stdout.take() {
        for bytes in BufReader::new(output).split(b'\n') {
            let bytes = bytes.map_err(|error| format!("the output of `{line}` breaks off: {error}"))?;
            let text = String::from_utf8_lossy(&bytes);
            println!("{text}");
            read(&text);
        }
    }
    let status = child.wait().map_err(|error| format!("`{line}` is lost: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})")) }
}

/// What a program prints on its standard output, or nothing when it is missing or fails.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = command(program, arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    command.get_args().fold(program, |line, argument| line + " " + &argument.to_string_lossy())
}

/// The npm tools first (their wasm-opt must win over an older one), then Cargo's, then the person's own.
fn search_path() -> OsString {
    let npm = root().join("tests/node_modules/.bin");
    let cargo = cargo_home().map(|home| home.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [npm].into_iter().chain(cargo).chain(env::split_paths(&path));
    // A folder whose name holds the separator can't be on any PATH.
    env::join_paths(folders).unwrap_or(path)
}

/// Where Cargo keeps its programs and what it has downloaded.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

fn find_in(path: &OsString, program: &str) -> Option<PathBuf> {
    let names = [program.to_owned(), format!("{program}.exe"), format!("{program}.cmd")];
    let names = if cfg!(windows) { &names[1..] } else { &names[..1] };
    env::split_paths(path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
}
