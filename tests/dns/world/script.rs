//! What a scripted server was asked, and what it replies: any flags, any sections, late, broken, or nothing.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, PTR, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record};

/// A query that came in.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// In lower case, without the last dot.
    pub(crate) name: String,
    /// `A`, `AAAA`, ...
    pub(crate) kind: String,
    /// Class CH.
    pub(crate) chaos: bool,
    pub(crate) tcp: bool,
    /// The size that it offers.
    pub(crate) edns: Option<u16>,
    pub(crate) from: SocketAddr,
    /// How many came before it.
    pub(crate) nth: usize,
    message: Message,
}

/// What goes back, and when.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(super) after: Duration,
    pub(super) bytes: Option<Vec<u8>>,
    message: Option<Message>,
}

impl Ask {
    pub(super) fn parse(bytes: &[u8], from: SocketAddr, tcp: bool, nth: usize) -> Option<Self> {
        let message = Message::from_vec(bytes).ok()?;
        let query = message.queries.first()?.clone();
        Some(Self {
            name: query.name().to_ascii().trim_end_matches('.').to_ascii_lowercase(),
            kind: query.query_type().to_string(),
            chaos: query.query_class() == DNSClass::CH,
            tcp,
            edns: message.edns.as_ref().map(Edns::max_payload),
            from,
            nth,
            message,
        })
    }

    /// True for a name that is `zone` or below it.
    pub(crate) fn below(&self, zone: &str) -> bool {
        self.name == zone || self.name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
    }

    /// True for this name and type.
    pub(crate) fn is(&self, name: &str, kind: &str) -> bool {
        !self.chaos && self.name == name && self.kind == kind
    }

    /// NOERROR from a recursive resolver, without records yet.
    pub(crate) fn noerror(&self) -> Reply {
        self.reply(ResponseCode::NoError)
    }

    /// NXDOMAIN from a recursive resolver, without a SOA yet.
    pub(crate) fn nxdomain(&self) -> Reply {
        self.reply(ResponseCode::NXDomain)
    }

    /// SERVFAIL.
    pub(crate) fn servfail(&self) -> Reply {
        self.reply(ResponseCode::ServFail)
    }

    /// REFUSED.
    pub(crate) fn refused(&self) -> Reply {
        self.reply(ResponseCode::Refused)
    }

    /// A reply with this code: RD as in the query, RA set, AA not, an OPT record where the query had one.
    pub(crate) fn reply(&self, code: ResponseCode) -> Reply {
        let mut message = Message::new(self.message.metadata.id, MessageType::Response, OpCode::Query);
        message.metadata.recursion_desired = self.message.metadata.recursion_desired;
        message.metadata.recursion_available = true;
        message.metadata.response_code = code;
        message.queries.clone_from(&self.message.queries);
        if self.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(1232);
            message.edns = Some(edns);
        }
        Reply { after: Duration::ZERO, bytes: None, message: Some(message) }
    }
}

impl Reply {
    /// Nothing: the query is dropped, or the connection closed.
    pub(crate) fn silence() -> Self {
        Self { after: Duration::ZERO, bytes: None, message: None }
    }

    /// These bytes, whatever they are.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { after: Duration::ZERO, bytes: Some(bytes.into()), message: None }
    }

    /// The same, so many milliseconds later.
    #[must_use]
    pub(crate) fn after(mut self, milliseconds: u64) -> Self {
        self.after = Duration::from_millis(milliseconds);
        self
    }

    /// The same with these flags of the header.
    #[must_use]
    pub(crate) fn flags(self, aa: bool, ra: bool) -> Self {
        self.edit(|message| {
            message.metadata.authoritative = aa;
            message.metadata.recursion_available = ra;
        })
    }

    /// The same with one more record in the answer, for the name that was asked for.
    #[must_use]
    pub(crate) fn answer(self, kind: &str, data: &str, ttl: u32) -> Self {
        self.edit(|message| {
            let query = &message.queries[0];
            let mut record = Record::from_rdata(query.name().clone(), ttl, rdata(kind, data));
            record.dns_class = query.query_class();
            message.answers.push(record);
        })
    }

    /// The same with one more record in the answer, for another name.
    #[must_use]
    pub(crate) fn record(self, owner: &str, kind: &str, data: &str, ttl: u32) -> Self {
        self.edit(|message| message.answers.push(Record::from_rdata(name(owner), ttl, rdata(kind, data))))
    }

    /// The same with a SOA in the authority section: `ns.example. hostmaster.example. 1 3600 600 86400 60`.
    #[must_use]
    pub(crate) fn soa(self, owner: &str, data: &str, ttl: u32) -> Self {
        self.edit(|message| message.authorities.push(Record::from_rdata(name(owner), ttl, rdata("SOA", data))))
    }

    /// The same without an OPT record, as from a server that knows none.
    #[must_use]
    pub(crate) fn without_opt(self) -> Self {
        self.edit(|message| message.edns = None)
    }

    /// The same with an extended error (RFC 8914) of this code, where the query had an OPT record.
    #[must_use]
    pub(crate) fn extended_error(self, code: u16) -> Self {
        self.edit(|message| {
            let option = EdnsOption::Unknown(15, code.to_be_bytes().to_vec());
            if let Some(edns) = &mut message.edns {
                edns.options_mut().insert(option);
            }
        })
    }

    /// Cut to nothing, with the flag TC.
    #[must_use]
    pub(crate) fn truncated(self) -> Self {
        self.edit(|message| {
            message.metadata.truncation = true;
            message.answers.clear();
            message.authorities.clear();
        })
    }

    /// The same with any change to the message.
    #[must_use]
    pub(crate) fn edit(mut self, change: impl FnOnce(&mut Message)) -> Self {
        self.message.as_mut().map(change);
        self
    }

    /// What goes out; `None` for silence.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        self.bytes.clone().or_else(|| self.message.as_ref().map(|message| message.to_vec().unwrap()))
    }
}

fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

/// Data of a record from the text of a zone file; a TXT record's strings are split at `|`.
fn rdata(kind: &str, data: &str) -> RData {
    let word = |index: usize| data.split_whitespace().nth(index).unwrap_or_else(|| panic!("`{data}` is too short"));
    let number = |index: usize| word(index).parse::<u32>().unwrap();
    let signed = |index: usize| word(index).parse::<i32>().unwrap();
    match kind {
        "A" => RData::A(A(data.parse().unwrap())),
        "AAAA" => RData::AAAA(AAAA(data.parse().unwrap())),
        "CNAME" => RData::CNAME(CNAME(name(data))),
        "NS" => RData::NS(NS(name(data))),
        "PTR" => RData::PTR(PTR(name(data))),
        "TXT" => RData::TXT(TXT::new(data.split('|').map(str::to_owned).collect())),
        "SOA" => {
            RData::SOA(SOA::new(name(word(0)), name(word(1)), number(2), signed(3), signed(4), signed(5), number(6)))
        }
        other => panic!("scripted servers know no {other} records"),
    }
}
