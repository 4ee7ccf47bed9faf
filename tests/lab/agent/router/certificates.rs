//! A Route's own certificate: one that `HAProxy` could not load would stop every later reload.

use super::claims::Verdict;
use super::route::{Route, Tls};
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// The verdict, unless the Route is admitted with a certificate that does not work.
pub(crate) fn check(verdict: Verdict, route: &Route) -> Verdict {
    let Some(tls) = route.spec.tls.as_ref().filter(|_| verdict == Verdict::Admitted) else { return verdict };
    let problem = own(tls).err().or_else(|| destination(tls).err());
    match problem {
        None => verdict,
        Some(message) => Verdict::Refused { reason: "ExtendedValidationFailed", message },
    }
}

fn own(tls: &Tls) -> Result<(), String> {
    if tls.certificate.is_empty() && tls.key.is_empty() {
        return Ok(());
    }
    let chain = certificates(&format!("{}\n{}", tls.certificate, tls.ca_certificate))
        .map_err(|why| format!("spec.tls.certificate: Invalid value: \"redacted certificate data\": {why}"))?;
    let key = |why: &dyn std::fmt::Display| format!("spec.tls.key: Invalid value: \"redacted key data\": {why}");
    let secret = PrivateKeyDer::from_pem_slice(tls.key.as_bytes()).map_err(|why| key(&why))?;
    CertifiedKey::from_der(chain, secret, &default_provider()).map_err(|why| key(&why))?;
    Ok(())
}

fn destination(tls: &Tls) -> Result<(), String> {
    if tls.destination_ca_certificate.is_empty() {
        return Ok(());
    }
    let field = "spec.tls.destinationCACertificate: Invalid value: \"redacted destination ca certificate data\"";
    certificates(&tls.destination_ca_certificate).map(|_| ()).map_err(|why| format!("{field}: {why}"))
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("no certificate in PEM form".into()),
        Ok(chain) => {
            // PEM may hold anything: each part must be a certificate.
            let parse = |der: &CertificateDer<'static>| RootCertStore::empty().add(der.clone());
            chain.iter().try_for_each(parse).map_err(|why| why.to_string())?;
            Ok(chain)
        }
        Err(why) => Err(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rubbish_is_refused_and_no_certificate_is_fine() {
        let route = |tls: serde_json::Value| {
            let route = json!({"metadata": {"name": "r"}, "spec": {"tls": tls}});
            serde_json::from_value::<Route>(route).expect("a route")
        };
        let verdict = check(Verdict::Admitted, &route(json!({"termination": "edge", "certificate": "x", "key": "y"})));
        assert!(matches!(verdict, Verdict::Refused { reason: "ExtendedValidationFailed", .. }), "{verdict:?}");
        assert_eq!(check(Verdict::Admitted, &route(json!({"termination": "edge"}))), Verdict::Admitted);
        let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let tls = json!({"termination": "reencrypt", "destinationCACertificate": rubbish});
        assert_ne!(check(Verdict::Admitted, &route(tls)), Verdict::Admitted);
    }
}
