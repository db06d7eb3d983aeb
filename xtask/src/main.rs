//! What a developer runs: `cargo xtask serve`, `test`, `build`, `check`, `bench`.
//!
//! Every command installs what it needs and is missing; see [`tools`], the only place that installs anything.

#![expect(clippy::print_stdout, reason = "a command line tool speaks on its standard output")]

mod bench;
mod check;
mod html;
mod process;
mod seal;
mod serve;
mod site;
mod split;
mod test;
mod tools;

use std::process::ExitCode;

/// What went wrong, as one line for the person who ran the command.
type Result<T = ()> = std::result::Result<T, String>;

const HELP: &str = "\
cargo xtask serve [ARGS]  build the page, open it on localhost, rebuild at every save; ARGS go to `trunk serve`
cargo xtask test [SUITE]  every test, or one of: host, wasm, browser, size
cargo xtask build         the release build of the page, in dist/
cargo xtask check         formatting, lints, documentation, licences of the dependencies
cargo xtask bench         the engine's speed, the page's size by file, its loading and editing times
cargo xtask seal          the policy and integrity hashes of a built page; Trunk calls this one";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match (command, rest) {
        ("serve", _) => serve::run_server(rest),
        ("test", _) => test::run(rest),
        ("build", []) => site::build(),
        ("check", []) => check::run(),
        ("bench", []) => bench::run_all(),
        ("seal", []) => seal::run(),
        ("help" | "--help" | "-h", []) => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(format!("`{}` is no command\n{HELP}", arguments.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
