//! The commands there are.

use super::{Halt, Machine, Output, Ran, Shell, defaults, filters, listing, routes, sysctl};
use crate::packetdrill::system::Order;

/// A day of sleep is a mistake.
const MAX_SLEEP: u64 = 86_400_000_000;

/// Modules of FreeBSD and Linux that need not be loaded, or change nothing here.
const HARMLESS: [&str; 19] = [
    "true",
    ":",
    "ethtool",
    "tc",
    "kldload",
    "kldunload",
    "modprobe",
    "sync",
    "ulimit",
    "set",
    "umask",
    "chmod",
    "logger",
    "taskset",
    "dmesg",
    "iptables-save",
    "arp",
    "ndp",
    "kldstat",
];

impl Shell {
    /// One command with its arguments; `input` is what the one before `|` wrote.
    pub(super) fn command<M: Machine>(
        &mut self,
        words: &[String],
        input: Option<String>,
        machine: &mut M,
    ) -> Ran<M::Stop> {
        let words = self.without_prefixes(words);
        let Some((name, arguments)) = words.split_first() else { return Ok(Output::OK) };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let unsupported = || Err(Halt::NotSupported(words.join(" ")));
        let base = name.rsplit('/').next().unwrap_or(name);
        if base == "defaults.sh" {
            return Ok(self.defaults(machine));
        }
        if base.starts_with("set_sysctls") {
            return self.set_sysctls(&arguments, machine);
        }
        match base {
            "." | "source" | "sh" | "bash" | "python" | "python3" => {
                self.file(words, &arguments, input.as_deref(), machine)
            }
            "exit" => {
                Ok(Output::status(arguments.first().and_then(|n| n.parse().ok()).unwrap_or(0)))
            }
            "false" => Ok(Output::status(1)),
            "echo" | "printf" => Ok(echo(&arguments)),
            "sleep" | "usleep" => sleep(base, &arguments, machine),
            "sysctl" => self.sysctl(words, machine),
            "cat" if input.is_none() => self.cat(words, &arguments),
            "tcpdrop" => Ok(tcpdrop(&arguments, machine)),
            "xargs" if input.is_some() => {
                let mut words: Vec<String> = words.iter().skip(1).cloned().collect();
                words.extend(input.unwrap_or_default().split_whitespace().map(str::to_owned));
                self.command(&words, None, machine)
            }
            "sockstat" | "netstat" | "ss" => {
                let style = listing::Style::of(base);
                Ok(Output::text(listing::sockets(style, &arguments, &self.setup, machine)))
            }
            "ip" | "ifconfig" | "route" => {
                let orders = routes::settings(base, &arguments);
                let Some(orders) = orders else { return unsupported() };
                for (name, value) in orders {
                    self.set(name, &value, machine);
                }
                routes::forgets(base, &arguments).then(|| machine.order(Order::ForgetPaths));
                Ok(Output::OK)
            }
            _ if HARMLESS.contains(&base) => Ok(Output::OK),
            _ => match filters::filter(base, &arguments, input.as_deref()) {
                Some(output) => Ok(output),
                None => unsupported(),
            },
        }
    }

    /// A command without the `sudo` or the assignments before it.
    fn without_prefixes<'w>(&mut self, mut words: &'w [String]) -> &'w [String] {
        const PREFIXES: [&str; 7] = ["sudo", "exec", "command", "time", "env", "nice", "export"];
        loop {
            words = self.assign(words);
            let Some((_, rest)) =
                words.split_first().filter(|(name, _)| PREFIXES.contains(&name.as_str()))
            else {
                return words;
            };
            let options = rest.iter().take_while(|word| word.starts_with('-')).count();
            words = &rest[options..];
        }
    }

    /// `NAME=value` before a command, or alone.
    fn assign<'w>(&mut self, words: &'w [String]) -> &'w [String] {
        let mut rest = words;
        while let Some((word, after)) = rest.split_first() {
            let assignment = word.split_once('=').filter(|(name, _)| is_name(name));
            let Some((name, value)) = assignment else { break };
            self.remembered += value.len();
            self.variables.insert(name.to_owned(), value.to_owned());
            rest = after;
        }
        rest
    }

    /// What production-like tests of Linux begin with.
    fn defaults<M: Machine>(&mut self, machine: &mut M) -> Output {
        let unknown = self.unknown.len();
        for (name, value) in defaults::LINUX {
            self.set(name, value, machine);
        }
        // Those that the stack does not have are as it is.
        self.unknown.truncate(unknown);
        Output::OK
    }

    /// `set_sysctls.py /proc/sys/net/ipv4/tcp_ecn=1 …`: those of the files that it writes.
    fn set_sysctls<M: Machine>(&mut self, arguments: &[&str], machine: &mut M) -> Ran<M::Stop> {
        for argument in arguments {
            let setting = argument.split_once('=');
            let named =
                setting.and_then(|(file, value)| Some((sysctl::name_of_file(file)?, value)));
            let Some((name, value)) = named else {
                return Err(Halt::NotSupported(format!("set_sysctls.py {argument}")));
            };
            self.set(&name, value, machine);
        }
        Ok(Output::OK)
    }

    /// `. file`, `sh file`, `sh -c text`, `| sh`.
    fn file<M: Machine>(
        &mut self,
        words: &[String],
        arguments: &[&str],
        input: Option<&str>,
        machine: &mut M,
    ) -> Ran<M::Stop> {
        match (arguments, input) {
            (["-c", text, ..], _) if !words[0].contains("python") => self.list(text, machine),
            ([], Some(text)) => self.list(text, machine),
            ([_, ..], _) => {
                let file = arguments[0].rsplit('/').next().unwrap_or_default();
                if file == "defaults.sh" || file.starts_with("set_sysctls") {
                    self.command(&words[1..], None, machine)
                } else {
                    Err(Halt::NotSupported(words.join(" ")))
                }
            }
            ([], None) => Err(Halt::NotSupported(words.join(" "))),
        }
    }

    /// `sysctl -w name=value`, `sysctl -n name`; what it says of others is nothing.
    fn sysctl<M: Machine>(&mut self, words: &[String], machine: &mut M) -> Ran<M::Stop> {
        let mut out = String::new();
        let mut bare = false;
        for argument in &words[1..] {
            if let Some(flags) = argument.strip_prefix('-') {
                bare |= flags.contains('n');
                if flags.contains(['p', 'a', 'f']) {
                    return Err(Halt::NotSupported(words.join(" ")));
                }
                continue;
            }
            let Some((name, value)) = argument.split_once('=') else {
                let name = sysctl::with_points(argument);
                let known = self.settings.get(&name).map(String::as_str);
                let value = known.or_else(|| sysctl::constant(&name));
                let value = value.ok_or_else(|| Halt::NotSupported(words.join(" ")))?;
                let label = if bare { String::new() } else { format!("{name}: ") };
                out.extend([&label, value, "\n"]);
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            if !sysctl::is_possible(name, value) {
                return Err(Halt::NotSupported(words.join(" ")));
            }
            self.set(name, value, machine);
        }
        Ok(Output::text(out))
    }

    /// Of files there are only those of settings that were set.
    fn cat<S>(&self, words: &[String], files: &[&str]) -> Ran<S> {
        let mut out = String::new();
        for file in files {
            let value = sysctl::name_of_file(file).and_then(|name| self.settings.get(&name));
            let value = value.ok_or_else(|| Halt::NotSupported(words.join(" ")))?;
            out.push_str(value);
            out.push('\n');
        }
        Ok(Output::text(out))
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn echo(arguments: &[&str]) -> Output {
    let words: Vec<&str> = match arguments {
        ["-n" | "-e", rest @ ..] => rest.to_vec(),
        all => all.to_vec(),
    };
    Output::text(format!("{}\n", words.join(" ")))
}

/// `tcpdrop` drops the connection that it is told, and scripts have one. With `-l` it only lists
/// what would drop them.
fn tcpdrop<M: Machine>(arguments: &[&str], machine: &mut M) -> Output {
    if arguments.iter().any(|word| word.starts_with('-') && word.contains('l')) {
        return Output::text("tcpdrop\n".to_owned());
    }
    machine.order(Order::DropConnections);
    Output::OK
}

fn sleep<M: Machine>(name: &str, arguments: &[&str], machine: &mut M) -> Ran<M::Stop> {
    let wrong = || Halt::NotSupported(format!("{name} {}", arguments.join(" ")));
    let [time] = arguments else { return Err(wrong()) };
    let micros = if name == "usleep" { time.parse().ok() } else { micros(time) };
    let micros = micros.filter(|micros| *micros <= MAX_SLEEP).ok_or_else(wrong)?;
    machine.sleep(micros).map_err(Halt::Stopped)?;
    Ok(Output::OK)
}

/// `1`, `0.5`, `2m`: seconds unless it says otherwise.
fn micros(text: &str) -> Option<u64> {
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    let unit = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (text, factor) = unit.unwrap_or((text, 1));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{fraction:0<6}");
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: u64 = digits.get(..6)?.parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(fraction)?.checked_mul(factor)
}
