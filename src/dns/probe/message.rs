//! DNS messages: a question in, bytes out; bytes in, a reply out. Pure.

use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder};

use super::records;
use crate::dns::observation::{ExtendedError, Flags, Observation, Record};
use crate::dns::plan::Question;

/// The OPT record's size where DNSSEC is asked for, which needs one.
const SIZE_FOR_DNSSEC: u16 = 1232;

/// What a server said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    pub(super) id: u16,
    /// It is a question: some hops send that back.
    pub(super) asks: bool,
    pub(super) rcode: String,
    pub(super) flags: Flags,
    pub(super) questions: Vec<(Name, RecordType, DNSClass)>,
    pub(super) answers: Vec<Record>,
    pub(super) authority: Vec<Record>,
    pub(super) ede: Vec<ExtendedError>,
    pub(super) edns: Option<u16>,
}

/// The UDP size that goes out with a question, when it has an OPT record.
pub(super) fn offered(question: &Question) -> Option<u16> {
    // Smaller sizes mean 512 (RFC 6891).
    question.edns.map(|size| size.max(512)).or_else(|| question.dnssec.then_some(SIZE_FOR_DNSSEC))
}

/// The message that asks this. The error says what is wrong with the name or the type.
pub(super) fn encode(question: &Question, id: u16) -> Result<Vec<u8>, String> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.metadata.checking_disabled = question.checking_disabled;
    let kind = records::kind_of(&question.kind).ok_or_else(|| format!("`{}` is no record type", question.kind))?;
    let mut query = Query::query(name(&question.name)?, kind);
    if question.chaos {
        query.set_query_class(DNSClass::CH);
    }
    message.add_query(query);
    if let Some(size) = offered(question) {
        let mut edns = Edns::new();
        edns.set_max_payload(size).set_dnssec_ok(question.dnssec);
        message.set_edns(edns);
    }
    message.to_vec().map_err(|error| format!("`{}` cannot be asked for: {error}", question.name))
}

/// A name, whose bytes are taken as they are: only dots mean something.
fn name(text: &str) -> Result<Name, String> {
    let inner = text.strip_suffix('.').unwrap_or(text);
    if inner.is_empty() {
        return Ok(Name::root());
    }
    if let Some(label) = inner.split('.').find(|label| label.is_empty() || label.len() > 63) {
        return Err(format!("`{text}` cannot be asked for: a label has {} bytes, 1 to 63 may be", label.len()));
    }
    Name::from_labels(inner.split('.').map(str::as_bytes))
        .map_err(|error| format!("`{text}` cannot be asked for: {error}"))
}

/// Reads a message. A truncated one (TC) may end within a record: what stands before it counts.
pub(super) fn decode(bytes: &[u8]) -> Result<Reply, String> {
    let mut decoder = BinDecoder::new(bytes);
    let header = Header::read(&mut decoder).map_err(|_| format!("{} bytes are no DNS message", bytes.len()))?;
    let meta = header.metadata;
    let mut reply = Reply {
        id: meta.id,
        asks: meta.message_type == MessageType::Query,
        rcode: String::new(),
        flags: Flags {
            aa: meta.authoritative,
            tc: meta.truncation,
            rd: meta.recursion_desired,
            ra: meta.recursion_available,
            ad: meta.authentic_data,
            cd: meta.checking_disabled,
        },
        questions: Vec::new(),
        answers: Vec::new(),
        authority: Vec::new(),
        ede: Vec::new(),
        edns: None,
    };
    let mut rcode = u16::from(meta.response_code.low());
    let broken = |error: String| format!("the message of {} bytes is broken: {error}", bytes.len());
    for _ in 0..header.counts.queries {
        let query = Query::read(&mut decoder).map_err(|error| broken(error.to_string()))?;
        reply.questions.push((query.name().clone(), query.query_type(), query.query_class()));
    }
    let whole = sections(&mut decoder, &header, &mut reply, &mut rcode);
    reply.rcode = records::rcode(rcode);
    match whole {
        Err(error) if !reply.flags.tc => Err(broken(error)),
        _ => Ok(reply),
    }
}

/// Reads the records that follow the questions into `reply`.
fn sections(decoder: &mut BinDecoder<'_>, header: &Header, reply: &mut Reply, rcode: &mut u16) -> Result<(), String> {
    for _ in 0..header.counts.answers {
        reply.answers.extend(records::read(decoder)?.into_record());
    }
    for _ in 0..header.counts.authorities {
        reply.authority.extend(records::read(decoder)?.into_record());
    }
    for _ in 0..header.counts.additionals {
        if let records::Read::Opt { size, high, errors } = records::read(decoder)? {
            reply.edns = Some(size);
            reply.ede = errors;
            *rcode |= u16::from(high) << 4;
        }
    }
    Ok(())
}

impl Reply {
    /// True when this answers that question, or names none.
    pub(super) fn fits(&self, question: &Question) -> bool {
        let class = if question.chaos { DNSClass::CH } else { DNSClass::IN };
        let same = |(asked, kind, of): &(Name, RecordType, DNSClass)| {
            // `Name` compares without case.
            name(&question.name).is_ok_and(|name| name == *asked)
                && records::kind_of(&question.kind) == Some(*kind)
                && *of == class
        };
        self.questions.first().is_none_or(same)
    }

    /// What it asks or answers, for people.
    pub(super) fn topic(&self) -> String {
        self.questions.first().map_or_else(
            || "nothing".to_owned(),
            |(name, kind, _)| format!("{} {}", records::text_of(name), records::word(*kind)),
        )
    }

    /// Puts it into the observation.
    pub(super) fn tell(self, size: usize, observation: &mut Observation) {
        observation.rcode = Some(self.rcode);
        observation.flags = Some(self.flags);
        observation.answers = self.answers;
        observation.authority = self.authority;
        observation.ede = self.ede;
        observation.reply_edns = self.edns;
        observation.size = Some(size);
    }
}
