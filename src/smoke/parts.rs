//! Which part of itself an emulator misses, from its own words. Pure.

/// The part that LocalStack could not install or start, if that is what an error says.
///
/// Recorded from 4.14.0 without a network: `Installation of kinesis-local 0.5.2 failed.`, and for DynamoDB, whose
/// failed installation it only logs, `MyHTTPConnectionPool(host='localhost', port=34233): ... Connection refused`.
pub(super) fn missing_part(text: &str) -> Option<String> {
    installation(text).or_else(|| backend(text))
}

fn installation(text: &str) -> Option<String> {
    if let Some((_, rest)) = text.split_once("nstallation of ") {
        let (part, _) = rest.split_once(" failed")?;
        return Some(part.trim().to_owned());
    }
    let phrases = ["ould not install ", "nable to install ", "ailed to install "];
    let (_, rest) = phrases.iter().find_map(|phrase| text.split_once(phrase))?;
    let part = rest.split([':', ',', '\n', '<']).next()?;
    Some(part.trim().trim_end_matches('.').to_owned())
}

/// Whether the emulator could not ask one of its own programs: it is missing, or still starting.
///
/// LocalStack waits for a program that it starts, but only in the call that starts it: others meet a closed port.
pub(super) fn backend_refuses(text: &str) -> bool {
    text.contains("ConnectionPool(host='localhost'") && text.contains("Connection refused")
}

/// Some services are programs of their own that the emulator starts and asks over loopback.
fn backend(text: &str) -> Option<String> {
    if !backend_refuses(text) {
        return None;
    }
    let service = text.split_once("exception while calling ").and_then(|(_, rest)| rest.split_once('.'));
    Some(match service {
        Some(("dynamodb" | "dynamodbstreams", _)) => "DynamoDB Local".to_owned(),
        Some(("kinesis" | "firehose", _)) => "kinesis-mock".to_owned(),
        Some((service, _)) => format!("the program behind {service}"),
        None => "the program behind this service".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_errors_name_their_part() {
        for (said, part) in [
            (
                "exception while calling kinesis.ListStreams: Installation of kinesis-local 0.5.2 failed.",
                "kinesis-local 0.5.2",
            ),
            (
                "Error while creating lambda: Installation of lambda-runtime v0.1.41-pre failed.",
                "lambda-runtime v0.1.41-pre",
            ),
            ("Could not install DynamoDB Local: timed out", "DynamoDB Local"),
            (
                "exception while calling dynamodb.ListTables: MyHTTPConnectionPool(host='localhost', port=34233): Max \
                 retries exceeded with url: / (Caused by NewConnectionError(\"HTTPConnection(host='localhost', \
                 port=34233): Failed to establish a new connection: [Errno 111] Connection refused\"))",
                "DynamoDB Local",
            ),
        ] {
            assert_eq!(missing_part(said).as_deref(), Some(part), "{said}");
        }
        assert_eq!(missing_part("exception while calling sqs.CreateQueue: boom"), None);
    }
}
