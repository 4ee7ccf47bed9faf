//! The web page of LocalStack's first releases: not a service of AWS, but a Route of the legacy layout.

use super::{
    diagnose::Failure,
    run::{Run, mismatch},
};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let url = format!("{}/", run.url());
    let page = run.fetch("get_page", &url).await?;
    if page.to_ascii_lowercase().contains("<html") {
        return Ok(());
    }
    Err(mismatch(format!("{url} answers, but not with a web page")))
}
