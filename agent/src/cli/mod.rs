//! The command line: what may be typed, and who answers it.
//!
//! Owns names, help and exit codes of the contract. Each command's work stands in its own file.

mod ask;
mod check;
mod demo;
mod ring;
mod run;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand};

/// Exit code of a bad configuration or of bad usage (`EX_USAGE`).
const EXIT_USAGE: u8 = 64;

/// Exit code of an internal error (`EX_SOFTWARE`).
const EXIT_INTERNAL: u8 = 70;

/// Version and commit, as `--version` prints them.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("RUNNEL_COMMIT"), ")");

#[derive(Debug, Parser)]
#[command(name = "runnel", version = VERSION, about, max_term_width = 100)]
#[command(after_help = "Example: runnel run --config /etc/runnel/runnel.yaml")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the agent.
    #[command(after_help = "Example: runnel run --config runnel.yaml --vars /etc/cluster-settings")]
    Run(ConfigArgs),
    /// Runs everything on this machine, against a receiver of its own.
    #[command(after_help = "Example: runnel demo --for 30s")]
    Demo(DemoArgs),
    /// Checks a configuration and prints it resolved, with secrets masked.
    #[command(after_help = "Example: runnel check --config prometheus.yml")]
    Check(ConfigArgs),
    /// Shows the targets of a running agent.
    #[command(after_help = "Example: runnel targets --address http://10.0.0.7:9480 --json")]
    Targets(AskArgs),
    /// Shows the ledger of a running agent: what was taken, delivered, dropped and is held.
    #[command(after_help = "Example: runnel ledger --json")]
    Ledger(AskArgs),
    /// Shows the ring of a running agent, or reads the folder of a ring.
    #[command(
        after_help = "Example: runnel ring inspect /var/lib/runnel",
        args_conflicts_with_subcommands = true
    )]
    Ring(RingArgs),
    /// Prints a completion script.
    #[command(after_help = "Example: runnel completions bash > /etc/bash_completion.d/runnel")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Debug)]
struct ConfigArgs {
    /// Configuration file; a Prometheus or vmagent file works.
    #[arg(long, value_name = "FILE", default_value = "/etc/runnel/runnel.yaml")]
    config: PathBuf,
    /// Folder of variables, one file per name, such as a mounted ConfigMap; may be given again.
    #[arg(long, value_name = "DIR")]
    vars: Vec<PathBuf>,
}

#[derive(Args, Debug)]
struct DemoArgs {
    /// Stop after this time, such as 30s or 2m, and print a summary.
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    span: Option<Duration>,
    /// Address of the status page.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9480")]
    listen: std::net::SocketAddr,
}

#[derive(Args, Debug)]
struct AskArgs {
    /// Address of the agent's status server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9480")]
    address: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct RingArgs {
    #[command(subcommand)]
    command: Option<RingCommand>,
    #[command(flatten)]
    ask: AskArgs,
}

#[derive(Debug, Subcommand)]
enum RingCommand {
    /// Lists segments, readers and frames of a ring folder.
    #[command(after_help = "Example: runnel ring inspect /var/lib/runnel --json")]
    Inspect {
        /// Folder of the ring.
        dir: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Checks every frame of a ring folder; exits with 70 when one is corrupt.
    #[command(after_help = "Example: runnel ring verify /var/lib/runnel")]
    Verify {
        /// Folder of the ring.
        dir: PathBuf,
    },
    /// Prints what a ring folder holds, one series a line, as JSON.
    #[command(after_help = "Example: runnel ring export /var/lib/runnel > held.jsonl")]
    Export {
        /// Folder of the ring.
        dir: PathBuf,
        /// Only what this destination has not acknowledged.
        #[arg(long, value_name = "NAME")]
        destination: Option<String>,
    },
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The configuration or the call is wrong; the text says how.
    Usage(String),
    /// Anything else.
    Internal(String),
}

/// Reads the command line and runs the command.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for, so they are no errors.
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let result = match cli.command {
        Command::Run(args) => run::run(&args.config, &args.vars),
        Command::Demo(args) => demo::run(args.span, args.listen),
        Command::Check(args) => check::run(&args.config, &args.vars),
        Command::Targets(args) => ask::targets(&args.address, args.json),
        Command::Ledger(args) => ask::ledger(&args.address, args.json),
        Command::Ring(args) => match args.command {
            None => ask::ring(&args.ask.address, args.ask.json),
            Some(RingCommand::Inspect { dir, json }) => ring::inspect(&dir, json),
            Some(RingCommand::Verify { dir }) => ring::verify(&dir),
            Some(RingCommand::Export { dir, destination }) => {
                ring::export(&dir, destination.as_deref())
            }
        },
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "runnel", &mut std::io::stdout());
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => {
            eprintln!("{text}");
            ExitCode::from(EXIT_USAGE)
        }
        Err(Failure::Internal(text)) => {
            eprintln!("runnel: {text}");
            ExitCode::from(EXIT_INTERNAL)
        }
    }
}

/// Reads a span such as `30s`, `2m` or `1h30m`.
fn span(text: &str) -> Result<Duration, String> {
    runnel_config::units::Millis::parse(text)
        .map(runnel_config::units::Millis::duration)
        .map_err(|_| format!("{text:?} is not a span such as 30s or 2m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Example: runnel"), "{}: {help:?}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
