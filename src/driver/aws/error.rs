//! From the SDK's errors to classes.

use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::driver::{Class, DriverError};

/// The SDK's error, for any operation.
pub(super) type SdkError<E> = aws_sdk_s3::error::SdkError<E, aws_sdk_s3::config::http::HttpResponse>;

/// What every service says when it is asked too often.
const THROTTLED: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
    // SQS gives a name back a minute after its queue was deleted, which is worth waiting for:
    // <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html>.
    "QueueDeletedRecently",
];

const DENIED: [&str; 8] = [
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// What passes by itself: two calls about one object came at once. Sources:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html> and
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
const PASSING: [&str; 3] = ["ConcurrentModification", "ConcurrentModificationException", "OperationAborted"];

const CONFLICTS: [&str; 7] = [
    "BucketAlreadyExists",
    "BucketNotEmpty",
    "DeleteConflict",
    "EntityAlreadyExists",
    "PreconditionFailed",
    "QueueNameExists",
    "QueueAlreadyExists",
];

/// The code that the service gave, without the prefixes that some put before it.
pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> &str {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    code.rsplit(['.', '#']).next().unwrap_or_default()
}

/// Whether a service says that something is not there.
pub(super) fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let code = code(error);
    code.starts_with("NoSuch")
        || code.ends_with("NotFoundError")
        || ["NotFound", "NonExistentQueue", "QueueDoesNotExist"].contains(&code)
}

/// Classifies an error; `what` was being done.
pub(super) fn classify<E>(what: &str, error: &SdkError<E>) -> DriverError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if let Some(told) = told_of_credentials(error) {
        return DriverError::new(told.class, told.chain());
    }
    let status = error.raw_response().map(|response| response.status().as_u16());
    let class = match error {
        // What was made a moment ago is not known everywhere at once, whether it is the object itself or one that it names:
        // <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>.
        // Where it is really gone, the caller finds that out.
        SdkError::ServiceError(_) if is_absent(error) || is_about_what_was_just_made(error) => Class::Transient,
        SdkError::ServiceError(_) => of_service(code(error), status.unwrap_or_default()),
        SdkError::ConstructionFailure(_) => Class::Invalid,
        SdkError::ResponseError(_) => Class::Transient,
        _ if is_about_credentials(error) => Class::Denied,
        _ => Class::Unreachable,
    };
    if class == Class::Denied && error.as_service_error().is_none() {
        let hint = "no credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        return DriverError::new(class, format!("{what}: {hint}"));
    }
    let said = error.as_service_error().map(|service| match (service.code(), service.message()) {
        (Some(code), Some(message)) => format!("{code}: {}", message.trim_end_matches('.')),
        (Some(code), None) => code.to_owned(),
        _ => format!("the server answers with status {}", status.unwrap_or_default()),
    });
    let Some(said) = said else { return DriverError::new(class, innermost(error)) };
    let hint = match code(error) {
        "QueueDeletedRecently" => "; SQS gives the name back 60 s after the deletion",
        "BucketAlreadyExists" => {
            "; a bucket's name is unique in all of AWS, and another account has this one: choose another `name`"
        }
        _ if is_about_a_destination(error) => {
            "; each queue has to be there, and its `policy` has to let s3.amazonaws.com send to it"
        }
        "BucketNotEmpty" => "; set `force_empty = true` on it and apply, to have its objects removed with it",
        _ => "",
    };
    DriverError::new(class, format!("{what}: {said}{hint}"))
}

/// What a call came to; `what` was being done.
pub(super) fn done<T, E>(what: &str, answer: Result<T, SdkError<E>>) -> Result<T, DriverError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    answer.map_err(|error| classify(what, &error))
}

/// What a call came to for which it is no error when something is not there: none then.
pub(super) fn found<T, E>(what: &str, answer: Result<T, SdkError<E>>) -> Result<Option<T>, DriverError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Err(error) if is_absent(&error) => Ok(None),
        other => done(what, other).map(Some),
    }
}

/// Why something could not be looked at, as people read it behind its name.
pub(super) fn reason(error: &DriverError) -> String {
    match error.class {
        Class::Denied => format!("denies access: {}", error.chain()),
        _ => format!("does not answer: {}", error.chain()),
    }
}

fn of_service(code: &str, status: u16) -> Class {
    match status {
        _ if THROTTLED.contains(&code) => Class::Throttled,
        _ if PASSING.contains(&code) => Class::Transient,
        _ if DENIED.contains(&code) => Class::Denied,
        _ if CONFLICTS.contains(&code) => Class::Conflict,
        429 => Class::Throttled,
        // An emulator that does not know the call never will.
        501 => Class::Invalid,
        401 | 403 => Class::Denied,
        409 | 412 => Class::Conflict,
        500.. => Class::Transient,
        _ => Class::Invalid,
    }
}

/// A principal that was made a moment ago is not known everywhere yet, and a policy that names it is called malformed until it
/// is: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html>. So it is with the policy of a queue that S3 is
/// to tell something.
fn is_about_what_was_just_made<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let said = error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or_default().to_lowercase();
    ["MalformedPolicyDocument", "MalformedPolicy"].contains(&code(error)) && said.contains("principal")
        || is_about_a_destination(error)
}

fn is_about_a_destination<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let said = error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or_default();
    said.starts_with("Unable to validate the following destination")
}

/// What Atlas itself said about credentials that it could not get, somewhere in what an error comes from.
fn told_of_credentials<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a DriverError> {
    let mut last = Some(error);
    while let Some(error) = last {
        if let Some(told) = error.downcast_ref() {
            return Some(told);
        }
        last = error.source();
    }
    None
}

fn is_about_credentials<E: std::error::Error + 'static>(error: &SdkError<E>) -> bool {
    let text = DisplayErrorContext(error).to_string().to_lowercase();
    text.contains("credentials") && !text.contains("error sending request")
}

/// The innermost cause of an error: of a failed connection the operating system's own words. The SDK's text around it
/// describes the whole request, which is long and may hold secrets.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// A request that can't be put together.
pub(super) fn unbuildable(error: aws_sdk_s3::error::BuildError) -> DriverError {
    DriverError::from_source(Class::Invalid, "the request can't be made", error)
}
