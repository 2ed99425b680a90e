//! Every node and property the language knows.
//!
//! The reader refuses what is not here, "did you mean" chooses from here, and a test holds the
//! reference page against it: a word cannot exist in one of the three only.

/// A node: what may follow its name.
#[derive(Debug)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Its arguments, in order.
    pub args: &'static [Arg],
    /// Its properties, in groups that several nodes share.
    pub props: &'static [&'static [&'static str]],
    /// The nodes between its braces.
    pub children: &'static [&'static Kind],
}

/// An argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg {
    /// What it stands for: `HOST`.
    pub name: &'static str,
    /// How often it is given.
    pub presence: Presence,
}

/// How often an argument is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Once.
    Once,
    /// Once or not at all.
    Optional,
    /// Once or more often; the last argument only.
    Many,
}

impl Kind {
    const fn new(name: &'static str) -> Self {
        Self { name, args: &[], props: &[], children: &[] }
    }

    const fn args(mut self, args: &'static [Arg]) -> Self {
        self.args = args;
        self
    }

    const fn props(mut self, props: &'static [&'static [&'static str]]) -> Self {
        self.props = props;
        self
    }

    const fn children(mut self, children: &'static [&'static Self]) -> Self {
        self.children = children;
        self
    }

    /// The names of its properties.
    pub fn properties(&self) -> impl Iterator<Item = &'static str> {
        self.props.iter().copied().flatten().copied()
    }
}

const fn once(name: &'static str) -> Arg {
    Arg { name, presence: Presence::Once }
}

const fn optional(name: &'static str) -> Arg {
    Arg { name, presence: Presence::Optional }
}

const fn many(name: &'static str) -> Arg {
    Arg { name, presence: Presence::Many }
}

/// Which packets: of a fault rule, of a condition.
pub(crate) const MATCHER: &[&str] = &[
    "from", "to", "flags", "without", "acks", "payload", "octet", "src-port", "dst-port", "ecn",
    "repeated", "since", "before", "state",
];

/// netem's impairments of one direction.
pub(crate) const IMPAIRMENTS: &[&str] = &[
    "delay",
    "jitter",
    "distribution",
    "loss",
    "duplicate",
    "reorder",
    "corrupt",
    "rate",
    "limit",
    "mark",
    "mark-above",
    "mtu",
    "icmp",
    "lifetime",
];

/// Options of sockets, with Linux' names.
pub(crate) const OPTIONS: &[&str] = &[
    "no-delay",
    "linger",
    "reuse-address",
    "keep-alive",
    "keep-idle",
    "keep-interval",
    "keep-count",
    "user-timeout",
    "send-buffer",
    "receive-buffer",
    "max-segment",
    "fast-open",
    "congestion",
    "cork",
    "quick-ack",
    "not-sent-low-water",
    "defer-accept",
    "syn-count",
    "linger2",
    "window-clamp",
];

/// When something happens.
const TRIGGER: &[&str] = &["at", "when", "after"];
/// How often something is expected.
const COUNTS: &[&str] = &["count", "min", "max"];

const ON: &[&str] = &["on"];
const HOST_ARG: &[Arg] = &[once("HOST")];

/// What stands at the top of a file.
pub static TOP: &[&Kind] = &[
    &SCENARIO,
    &PARAM,
    &SEED,
    &SEEDS,
    &HOST,
    &ALSO,
    &WHAT_IF,
    &LINK,
    &MIDDLEBOX,
    &ROLE,
    &FAULT,
    &FORGE,
    &FORGE_ICMP,
    &CRASH,
    &REBOOT,
    &PAUSE,
    &RESUME,
    &LINK_DOWN,
    &LINK_UP,
    &RELEASE,
    &TELL,
    &TABLE,
    &UNTIL,
    &EXPECT,
    &EXPLORE,
    &SEARCH,
    &VARIANT,
];

static SCENARIO: Kind = Kind::new("scenario").args(&[once("TITLE")]).children(&[
    &QUESTION,
    &STORY_SETTING,
    &CLAIM,
    &ANSWER,
    &RFC,
    &ENGINE,
    &CASE,
    &TRY,
]);
static QUESTION: Kind = Kind::new("question").args(&[once("TEXT")]);
static STORY_SETTING: Kind = Kind::new("setting").args(&[once("TEXT")]);
static ANSWER: Kind = Kind::new("answer").args(&[once("TEXT")]);
static CLAIM: Kind = Kind::new("claim").args(&[once("TEXT")]);
static CASE: Kind = Kind::new("case").args(&[once("NAME")]);
static TRY: Kind = Kind::new("try").args(&[once("COMMAND")]).props(&[&["exits"]]);
static RFC: Kind = Kind::new("rfc").args(&[many("SECTION")]);
static ENGINE: Kind = Kind::new("engine").args(&[once("ENGINE")]).props(&[&["because"]]);
static PARAM: Kind = Kind::new("param").args(&[once("NAME"), once("VALUE")]);
static SEED: Kind = Kind::new("seed").args(&[once("NUMBER")]);
static SEEDS: Kind = Kind::new("seeds").args(&[many("NUMBER")]);

static HOST: Kind = Kind::new("host")
    .args(&[once("NAME")])
    .props(&[&["profile", "address", "quiet-time"]])
    .children(&[&ADDRESS, &PARAMETER, &WHAT_IF]);
static ADDRESS: Kind = Kind::new("address").args(&[many("IP")]);
static PARAMETER: Kind = Kind::new("set").args(&[once("PARAMETER"), once("VALUE")]);
static WHAT_IF: Kind = Kind::new("what-if").args(&[many("RULE")]);
static ALSO: Kind = Kind::new("also").args(&[many("PROFILE")]);

static LINK: Kind = Kind::new("link")
    .args(&[once("HOST"), once("HOST")])
    .props(&[IMPAIRMENTS])
    .children(&[&FORWARD, &BACKWARD, &GILBERT_ELLIOTT]);
static FORWARD: Kind = Kind::new("forward").props(&[IMPAIRMENTS]).children(&[&GILBERT_ELLIOTT]);
static BACKWARD: Kind = Kind::new("backward").props(&[IMPAIRMENTS]).children(&[&GILBERT_ELLIOTT]);
static GILBERT_ELLIOTT: Kind =
    Kind::new("gilbert-elliott").props(&[&["p", "r", "bad-loss", "good-loss"]]);
static MIDDLEBOX: Kind = Kind::new("middlebox").args(&[once("NAME")]).props(&[&[
    "inside",
    "outside",
    "profile",
    "idle-timeout",
    "on-timeout",
    "close-timeout",
    "begins-with",
    "unknown",
    "nat",
]]);

static ROLE: Kind = Kind::new("role").args(HOST_ARG).props(&[&["start"]]).children(&STEPS);

/// What a role does.
pub static STEPS: [&Kind; 17] = [
    &LISTEN,
    &ACCEPT,
    &CONNECT,
    &WRITE,
    &READ,
    &READ_TO_END,
    &ECHO,
    &RELAY,
    &SHUTDOWN,
    &CLOSE,
    &ABORT,
    &SET,
    &SLEEP,
    &WAIT,
    &REPEAT,
    &SERVE,
    &SPAWN,
];

static LISTEN: Kind =
    Kind::new("listen").args(&[once("PORT")]).props(&[&["backlog", "as"], OPTIONS]);
static ACCEPT: Kind = Kind::new("accept").props(&[ON, &["as", "timeout"]]);
static CONNECT: Kind = Kind::new("connect").args(&[once("HOST:PORT")]).props(&[
    ON,
    &["from-address", "from-port", "text", "as", "wait"],
    OPTIONS,
]);
static WRITE: Kind =
    Kind::new("write").args(&[optional("TEXT")]).props(&[ON, &["bytes", "urgent"]]);
static READ: Kind = Kind::new("read").args(&[optional("OCTETS")]).props(&[ON, &["timeout"]]);
static READ_TO_END: Kind = Kind::new("read-to-end").props(&[ON]);
static ECHO: Kind = Kind::new("echo").props(&[ON]);
static RELAY: Kind = Kind::new("relay").args(&[once("HOST:PORT")]).props(&[
    ON,
    &["from-address", "from-port"],
    OPTIONS,
]);
static SHUTDOWN: Kind = Kind::new("shutdown").args(&[once("DIRECTION")]).props(&[ON]);
static CLOSE: Kind = Kind::new("close").props(&[ON]);
static ABORT: Kind = Kind::new("abort").props(&[ON]);
static SET: Kind = Kind::new("set").props(&[ON, OPTIONS]);
static SLEEP: Kind = Kind::new("sleep").args(&[once("DURATION")]);
static WAIT: Kind = Kind::new("wait").args(&[optional("CONDITION")]).props(&[MATCHER, &["nth"]]);
static REPEAT: Kind = Kind::new("repeat").args(&[optional("COUNT")]).children(&STEPS);
static SERVE: Kind = Kind::new("serve").props(&[ON]).children(&STEPS);
static SPAWN: Kind = Kind::new("spawn").args(&[once("COUNT")]).children(&STEPS);

static FAULT: Kind = Kind::new("fault").args(&[once("VERDICT"), optional("NAME")]).props(&[
    MATCHER,
    &["packet", "nth", "text"],
    VERDICT,
]);

/// What only some verdicts of a fault rule take; `fault.rs` knows which.
pub(crate) const VERDICT: &[&str] = &[
    "by",
    "until",
    "copies",
    "spacing",
    "set-flags",
    "clear-flags",
    "add-seq",
    "add-ack",
    "window",
    "set-ecn",
    "strip-options",
];

static FORGE: Kind = Kind::new("forge")
    .props(&[
        TRIGGER,
        &["from", "to", "src-port", "dst-port", "seq", "ack", "flags", "window", "payload"],
    ])
    .children(WHEN_CHILD);
static FORGE_ICMP: Kind = Kind::new("forge-icmp")
    .args(&[once("KIND")])
    .props(&[TRIGGER, &["to", "about", "seq", "src-port", "dst-port", "mtu"]])
    .children(WHEN_CHILD);
static WHEN: Kind = Kind::new("when").props(&[MATCHER, &["nth"]]);
const WHEN_CHILD: &[&Kind] = &[&WHEN];

/// Something that befalls a host.
const fn incident(name: &'static str) -> Kind {
    Kind::new(name).args(HOST_ARG).props(&[TRIGGER]).children(WHEN_CHILD)
}
static CRASH: Kind = incident("crash");
static REBOOT: Kind = incident("reboot");
static PAUSE: Kind = incident("pause");
static RESUME: Kind = incident("resume");
static LINK_DOWN: Kind = incident("link-down");
static LINK_UP: Kind = incident("link-up");
static RELEASE: Kind = incident("release").args(&[once("NAME")]);
static TABLE: Kind = Kind::new("table").props(&[&["at"]]);
static UNTIL: Kind = Kind::new("until").args(&[once("DURATION")]);

static TELL: Kind =
    Kind::new("tell").args(&[once("TEXT")]).props(&[TRIGGER]).children(&[&WHEN, &TELL_TABLE]);
static TELL_TABLE: Kind = Kind::new("table").args(&[many("HOST")]);
static VARIANT: Kind =
    Kind::new("variant").args(&[once("NAME")]).children(&[&SETTING, &WHAT_IF, &TELL, &EXPECT]);
static SETTING: Kind = Kind::new("set").args(&[once("KEY"), once("VALUE")]);

static EXPECT: Kind = Kind::new("expect").children(EXPECTATIONS);

static EXPLORE: Kind =
    Kind::new("explore").props(&[&["faults", "kinds", "lifetime"]]).children(&[&EXPECT]);

static SEARCH: Kind = Kind::new("search")
    .args(&[optional("NAME")])
    .props(&[&["finds", "means", "of"]])
    .children(&[&SAY, &SETTING, &WHAT_IF, &TELL]);
static SAY: Kind = Kind::new("say").args(&[once("TEXT")]);

/// What can be expected.
pub static EXPECTATIONS: &[&Kind] = &[
    &PATH,
    &SEGMENTS,
    &TIMER,
    &RESULT,
    &READ_TOTAL,
    &WRITTEN,
    &STATE,
    &EXPECT_TABLE,
    &SOCKETS,
    &VARIABLE,
    &ENDS,
    &DROPS,
    &VERDICT_OF,
    &VIOLATION,
];

const CONNECTION: &[&str] = &["connection"];
static PATH: Kind = Kind::new("path").args(&[once("HOST"), many("STATE")]).props(&[CONNECTION]);
static SEGMENTS: Kind = Kind::new("segments")
    .props(&[
        &[
            "from",
            "to",
            "flags",
            "without",
            "acks",
            "payload",
            "src-port",
            "dst-port",
            "retransmission",
            "reason",
            "since",
            "before",
            "at",
        ],
        COUNTS,
    ])
    .children(&[&AT]);
static AT: Kind = Kind::new("at").args(&[many("TIME")]);
static TIMER: Kind = Kind::new("timer")
    .args(&[once("HOST"), once("TIMER")])
    .props(&[&["set", "restarts", "stopped", "fired"], CONNECTION]);
static RESULT: Kind = Kind::new("result")
    .args(&[once("HOST"), once("CALL")])
    .props(&[&["error", "ok", "octets", "eof", "nth", "at", "by"], COUNTS]);
static READ_TOTAL: Kind = Kind::new("read").args(HOST_ARG).props(&[&["bytes"]]);
static WRITTEN: Kind = Kind::new("written").args(HOST_ARG).props(&[&["bytes"]]);
static STATE: Kind = Kind::new("state").args(&[once("HOST"), once("STATE")]).props(&[
    &["lasts", "within", "at"],
    CONNECTION,
    COUNTS,
]);
static EXPECT_TABLE: Kind =
    Kind::new("table").args(HOST_ARG).props(&[&["at"]]).children(&[&SOCKET]);
static SOCKET: Kind = Kind::new("socket").props(&[
    &["state", "local-port", "remote-port", "receive-queue", "send-queue", "timer", "holder"],
    &["retransmits"],
]);
static SOCKETS: Kind = Kind::new("sockets").args(HOST_ARG).props(&[&["at", "state"], COUNTS]);
static VARIABLE: Kind = Kind::new("variable")
    .args(&[once("HOST"), once("VARIABLE")])
    .props(&[&["at", "is", "min", "max"], CONNECTION]);
static ENDS: Kind = Kind::new("ends").args(&[optional("HOW")]).props(&[&["at", "by", "after"]]);
static DROPS: Kind = Kind::new("drops").props(&[&["by", "from"], COUNTS]);
static VERDICT_OF: Kind =
    Kind::new("verdict").args(&[once("HOST"), once("VERDICT")]).props(&[COUNTS]);
static VIOLATION: Kind = Kind::new("violation").args(&[once("INVARIANT")]).props(&[COUNTS]);

/// Every node with the path of names that leads to it: `expect/segments/at`. Steps are listed
/// once, although they nest in each other.
pub fn all() -> Vec<(String, &'static Kind)> {
    let mut found = Vec::new();
    for kind in TOP {
        collect("", kind, &mut found);
    }
    found
}

fn collect(parent: &str, kind: &'static Kind, found: &mut Vec<(String, &'static Kind)>) {
    let path =
        if parent.is_empty() { kind.name.to_owned() } else { format!("{parent}/{}", kind.name) };
    let known = found.iter().any(|(_, other)| std::ptr::eq(*other, kind));
    found.push((path.clone(), kind));
    if !known {
        kind.children.iter().for_each(|child| collect(&path, child, found));
    }
}
