//! The time by S3's own clock: that of the latest answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

/// The time that the latest answer told, in seconds since 1970.
#[derive(Clone, Debug, Default)]
pub struct ServerTime(Arc<AtomicI64>);

impl ServerTime {
    /// How long ago something was, by the clock that said when it was. None when the server never told its time.
    pub fn since(&self, then: &DateTime) -> Option<Duration> {
        let now = Some(self.0.load(Ordering::Relaxed)).filter(|now| *now > 0)?;
        Some(Duration::from_secs(u64::try_from(now - then.secs()).unwrap_or_default()))
    }
}

impl Intercept for ServerTime {
    fn name(&self) -> &'static str {
        "ServerTime"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let told = context.response().headers().get("date");
        if let Some(Ok(now)) = told.map(|text| DateTime::from_str(text, DateTimeFormat::HttpDate)) {
            self.0.store(now.secs(), Ordering::Relaxed);
        }
        Ok(())
    }
}
