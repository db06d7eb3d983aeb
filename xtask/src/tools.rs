//! The programs this project builds and tests with: is each there, in its version? If not, install it or say how.
//!
//! Nothing else in the project installs anything. Every function returns at once when there is nothing to do.

use std::{env, fs, path::PathBuf, time::Instant};

use crate::{
    Result,
    process::{command, find, output, root, run, run_command},
};

const TRUNK: &str = "0.21.14";
const CARGO_DENY: &str = "0.20.2";
const NODE: u32 = 20;
const WASM: &str = "wasm32-unknown-unknown";

/// The browser of the tests, and the driver that `wasm-bindgen-test-runner` talks to.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// What turns the page into a site: the wasm target, Trunk, wasm-bindgen, and the crates in Cargo's cache.
pub(crate) fn for_site() -> Result {
    wasm_target()?;
    from_cargo("trunk", TRUNK, "about 8 minutes on 2 cores", "trunk")?;
    wasm_bindgen()?;
    // Trunk runs Cargo without the network, so that it can fetch nothing else either.
    run("cargo", &["fetch", "--quiet"])
}

/// What a release build needs besides: wasm-opt, which is an npm package here.
pub(crate) fn for_release() -> Result {
    for_site()?;
    npm_packages()
}

/// The target's standard library.
pub(crate) fn wasm_target() -> Result {
    let sysroot = output("rustc", &["--print", "sysroot"]).ok_or("install Rust from https://rustup.rs")?;
    if PathBuf::from(sysroot.trim()).join("lib/rustlib").join(WASM).is_dir() {
        return Ok(());
    }
    let hint = format!("install the standard library of {WASM} (with rustup: `rustup target add {WASM}`)");
    install(&format!("the target {WASM}"), "seconds", &hint, || run("rustup", &["target", "add", WASM]))
}

/// rustfmt and clippy.
pub(crate) fn components() -> Result {
    if output("cargo", &["fmt", "--version"]).is_some() && output("cargo", &["clippy", "--version"]).is_some() {
        return Ok(());
    }
    let hint = "install rustfmt and clippy (with rustup: `rustup component add rustfmt clippy`)";
    install("rustfmt and clippy", "seconds", hint, || run("rustup", &["component", "add", "rustfmt", "clippy"]))
}

/// The command line tools of wasm-bindgen, in the version of the crate: the two talk in a format of their own.
pub(crate) fn wasm_bindgen() -> Result {
    let lock = fs::read_to_string(root().join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    let version = locked_version(&lock, "wasm-bindgen").ok_or("Cargo.lock names no wasm-bindgen")?;
    from_cargo("wasm-bindgen-cli", version, "about 3 minutes on 2 cores", "wasm-bindgen")?;
    from_cargo("wasm-bindgen-cli", version, "about 3 minutes on 2 cores", "wasm-bindgen-test-runner")
}

pub(crate) fn cargo_deny() -> Result {
    from_cargo("cargo-deny", CARGO_DENY, "about 6 minutes on 2 cores", "cargo-deny")
}

/// What `tests/package-lock.json` names.
pub(crate) fn npm_packages() -> Result {
    node()?;
    let tests = root().join("tests");
    let lock =
        fs::read(tests.join("package-lock.json")).map_err(|error| format!("tests/package-lock.json: {error}"))?;
    let installed = tests.join("node_modules/.installed-lock");
    if fs::read(&installed).is_ok_and(|bytes| bytes == lock) {
        return Ok(());
    }
    install("the npm packages of tests/", "seconds", "run `npm ci` in tests/", || {
        let mut npm = command("npm", &["ci", "--no-audit", "--no-fund"]);
        npm.current_dir(&tests);
        run_command(npm)?;
        fs::write(&installed, &lock).map_err(|error| format!("{}: {error}", installed.display()))
    })
}

/// Chromium and its driver: what `CHROMIUM` and `CHROMEDRIVER` name, else what is found, else Debian's packages.
pub(crate) fn browser() -> Result<Browser> {
    let look = || Some(Browser { chromium: chromium()?, chromedriver: named("CHROMEDRIVER", &["chromedriver"])? });
    if let Some(browser) = look() {
        return Ok(browser);
    }
    let hint = "install Chromium and chromedriver, or name them in the variables CHROMIUM and CHROMEDRIVER";
    install("Chromium and chromedriver", "about a minute", hint, || {
        let sudo: &[&str] = match output("id", &["-u"]) {
            Some(user) if user.trim() == "0" => &[],
            _ if output("sudo", &["-n", "true"]).is_some() => &["sudo", "-n"],
            _ => return Err("not allowed to install packages".into()),
        };
        if find("apt-get").is_none() {
            return Err("there is no apt-get".into());
        }
        for arguments in [&["update"][..], &["install", "-y", "chromium", "chromium-driver"]] {
            let line: Vec<&str> = sudo.iter().chain(&["apt-get"]).chain(arguments).copied().collect();
            run(line[0], &line[1..])?;
        }
        Ok(())
    })?;
    look().ok_or_else(|| hint.into())
}

/// The browser alone, for what drives it without chromedriver.
pub(crate) fn chromium() -> Option<PathBuf> {
    named("CHROMIUM", &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
}

fn node() -> Result {
    let version = output("node", &["--version"]);
    let major = version.as_deref().and_then(|text| text.trim_start_matches('v').split('.').next()?.parse::<u32>().ok());
    match major {
        Some(major) if major >= NODE && find("npm").is_some() => Ok(()),
        _ => Err(format!("install Node.js {NODE} or newer, with npm (https://nodejs.org)")),
    }
}

fn named(variable: &str, programs: &[&str]) -> Option<PathBuf> {
    let given = env::var_os(variable).map(PathBuf::from).filter(|file| file.is_file());
    given.or_else(|| programs.iter().find_map(|program| find(program)))
}

/// Installs `package` unless `program`, which it brings, is there in this version.
fn from_cargo(package: &str, version: &str, takes: &str, program: &str) -> Result {
    let is_there =
        || output(program, &["--version"]).is_some_and(|text| text.split_whitespace().any(|word| word == version));
    if is_there() {
        return Ok(());
    }
    let hint = format!("run `cargo install {package} --version {version} --locked`");
    install(&format!("{package} {version}"), takes, &hint, || {
        let exact = format!("{package}@{version}");
        if find("cargo-binstall").is_some()
            && run("cargo", &["binstall", "-y", "--force", &exact]).is_ok()
            && is_there()
        {
            return Ok(());
        }
        run("cargo", &["install", package, "--version", version, "--locked", "--force"])?;
        if is_there() { Ok(()) } else { Err(format!("another {program} comes first on PATH")) }
    })
}

/// Says what is being installed and how long that takes; turns a failure into the line that says what to do.
fn install(what: &str, takes: &str, hint: &str, work: impl FnOnce() -> Result) -> Result {
    eprintln!("xtask: installing {what} ({takes})");
    let start = Instant::now();
    work().map_err(|error| format!("{what} could not be installed: {error}; {hint}"))?;
    eprintln!("xtask: installed {what} in {} s", start.elapsed().as_secs());
    Ok(())
}

/// The version that a Cargo.lock holds of a package.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let entry = lock.split("[[package]]").find(|entry| entry.lines().any(|line| line == name))?;
    let version = entry.lines().find_map(|line| line.strip_prefix("version = "))?;
    Some(version.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::locked_version;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.9\"\n\n\
                        [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.129\"\nsource = \"registry\"\n";

    #[test]
    fn the_locked_version_is_that_of_the_package_named() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen"), Some("0.2.129"));
        assert_eq!(locked_version(LOCK, "wasm-bindgen-macro"), Some("0.2.9"));
        assert_eq!(locked_version(LOCK, "wasm"), None);
    }
}
