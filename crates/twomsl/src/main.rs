//! The command `twomsl`: arguments are parsed (`args`), resolved (`commands`), then run.

mod args;
mod commands;
mod log;
mod measures;
mod output;
mod story;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    match cli.command {
        args::Command::Run(run) => commands::run::run(&run).into(),
        args::Command::Drill(drill) => commands::drill::run(&drill).into(),
        args::Command::Sweep(sweep) => commands::sweep::sweep(&sweep).into(),
        args::Command::Shrink(shrink) => commands::shrink::shrink(&shrink).into(),
        args::Command::Explore(explore) => commands::explore::explore(&explore).into(),
        args::Command::Demo(demo) => commands::demo::demo(&demo).into(),
        args::Command::States => commands::states::states().into(),
    }
}
