//! What a certificate says of itself: for whom, by whom, from when to when. Pure.
//!
//! Reads these few fields (RFC 5280, 4.1) and judges nothing: that is the verifier's.

use std::fmt;

/// So many names are told; a certificate may have hundreds.
const TOLD: usize = 4;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// The fields that people ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) names: Vec<String>,
    pub(super) not_before: String,
    pub(super) not_after: String,
}

impl Certificate {
    /// Reads DER; nothing where it is no certificate.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = Reader(der).next()?.content;
        let mut fields = Reader(Reader(certificate).next()?.content);
        // Serial number, which a version may stand before, and signature algorithm.
        if fields.next()?.tag == VERSION {
            fields.next()?;
        }
        fields.next()?;
        let issuer = common_name(fields.next()?.content);
        let mut validity = Reader(fields.next()?.content);
        let (not_before, not_after) = (time(&validity.next()?)?, time(&validity.next()?)?);
        let subject = common_name(fields.next()?.content);
        let extensions = fields.find(|field| field.tag == EXTENSIONS);
        let names = extensions.and_then(|field| alternative_names(field.content)).unwrap_or_default();
        Some(Self { subject, issuer, names, not_before, not_after })
    }

    /// Whom it is for, in few words.
    pub(super) fn covers(&self) -> String {
        let told = self.names.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
        match self.names.len() {
            0 => "no name".to_owned(),
            count if count > TOLD => format!("{told} and {} more", count - TOLD),
            _ => told,
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, issuer, not_before, not_after, .. } = self;
        write!(f, "certificate `{subject}` for {}, by `{issuer}`, valid {not_before} to {not_after}", self.covers())
    }
}

/// One element of DER.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

/// Reads elements one after the other; ends where the rest is no DER.
struct Reader<'a>(&'a [u8]);

impl<'a> Iterator for Reader<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            // The long form: so many bytes hold the length. No field of interest needs more than four.
            let bytes;
            (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
            length = bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        }
        let content;
        (content, self.0) = rest.split_at_checked(length)?;
        Some(Element { tag, content })
    }
}

/// The common name, else whatever the name ends with: the most specific part.
fn common_name(name: &[u8]) -> String {
    let parts = Reader(name).filter_map(|set| {
        let mut attribute = Reader(Reader(set.content).next()?.content);
        let (kind, value) = (attribute.next()?, attribute.next()?);
        Some((kind.content, String::from_utf8_lossy(value.content).into_owned()))
    });
    let parts: Vec<_> = parts.collect();
    let common = parts.iter().find(|(kind, _)| *kind == COMMON_NAME).or_else(|| parts.last());
    common.map_or_else(|| "without a name".to_owned(), |(_, value)| value.clone())
}

/// `2026-11-28 06:00 UTC`.
fn time(element: &Element<'_>) -> Option<String> {
    let text = std::str::from_utf8(element.content).ok()?;
    // Two digits of a year: 50 to 99 are of the last century.
    let century = match element.tag {
        UTC_TIME if text.as_bytes().first()? >= &b'5' => "19",
        UTC_TIME => "20",
        _ => "",
    };
    let digits = format!("{century}{text}");
    let part = |from, to| digits.get(from..to);
    Some(format!("{}-{}-{} {}:{} UTC", part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?))
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut all = Reader(Reader(extensions).next()?.content);
    let value = all.find_map(|extension| {
        let mut fields = Reader(extension.content);
        let is_wanted = fields.next().is_some_and(|id| id.tag == OID && id.content == ALTERNATIVE_NAMES);
        // A flag may stand between.
        is_wanted.then(|| fields.last()).flatten()
    })?;
    let names = Reader(Reader(value.content).next()?.content).filter_map(|name| match (name.tag, name.content) {
        (DNS_NAME, name) => Some(String::from_utf8_lossy(name).into_owned()),
        (IP_ADDRESS, &[a, b, c, d]) => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
        (IP_ADDRESS, bytes) => Some(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string()),
        _ => None,
    });
    Some(names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls_pki_types::{CertificateDer, pem::PemObject as _};

    /// Made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj "/O=Lab/CN=router.lab.test"
    /// -addext subjectAltName=DNS:*.apps.lab.test,DNS:router.lab.test,IP:10.0.0.1 -days 3650`.
    const PEM: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIB2TCCAYCgAwIBAgIUPxPYPQhfvhH5KNLSbUmefur7zHMwCgYIKoZIzj0EAwIw\n\
KDEMMAoGA1UECgwDTGFiMRgwFgYDVQQDDA9yb3V0ZXIubGFiLnRlc3QwHhcNMjYx\n\
MTI4MDYwNTEzWhcNMzYxMTI1MDYwNTEzWjAoMQwwCgYDVQQKDANMYWIxGDAWBgNV\n\
BAMMD3JvdXRlci5sYWIudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEQc\n\
9w3CUUQEfjtZCmHYF47Xy9Sx1unJ+ef8gjGAIcveDqh9Ywjn9N7C76K1uUqPeuq3\n\
iNMBF2uESjf9tO/xlHijgYcwgYQwHQYDVR0OBBYEFJqJnlaX7tExXbC/6X1zyddr\n\
w0USMB8GA1UdIwQYMBaAFJqJnlaX7tExXbC/6X1zyddrw0USMA8GA1UdEwEB/wQF\n\
MAMBAf8wMQYDVR0RBCowKIIPKi5hcHBzLmxhYi50ZXN0gg9yb3V0ZXIubGFiLnRl\n\
c3SHBAoAAAEwCgYIKoZIzj0EAwIDRwAwRAIgBJLMM3fe8N3OK7txL1QbThO0Ejaq\n\
Y+PSZ2u8D7gZmnACIAURiNzcUZt8ww2DVmLVgwUEMumlLBy5yGFHJOq93JYM\n\
-----END CERTIFICATE-----\n\
";

    #[test]
    fn names_issuer_and_dates_are_read() {
        let der = CertificateDer::from_pem_slice(PEM.as_bytes()).unwrap();
        let read = Certificate::read(&der).unwrap();
        assert_eq!(read.names, ["*.apps.lab.test", "router.lab.test", "10.0.0.1"]);
        assert_eq!((read.subject.as_str(), read.issuer.as_str()), ("router.lab.test", "router.lab.test"));
        assert_eq!(read.not_before, "2026-11-28 06:05 UTC");
        assert!(read.to_string().starts_with("certificate `router.lab.test` for *.apps.lab.test, "), "{read}");
    }

    #[test]
    fn what_is_cut_anywhere_is_no_certificate_and_no_panic() {
        let der = CertificateDer::from_pem_slice(PEM.as_bytes()).unwrap();
        for end in 0..der.len() {
            assert_eq!(Certificate::read(&der[..end]), None);
        }
        assert_eq!(Certificate::read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
