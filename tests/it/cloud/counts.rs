//! What a bucket holds, counted at any size, on a simulated S3 that answers as each test wants.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use atlas::driver::{Class, Driver as _, Session, Wanted, protocol};
use atlas::identity::Identity;
use atlas::kind::{Count, counted};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::sessions::{BUCKET, evidence, listed, mark, open, own, owner, region};

/// A server that has one bucket with this many pages of a thousand versions.
#[derive(Default)]
struct MadeUp {
    pages: AtomicUsize,
    /// When the versions of the last page were written.
    last_written: Mutex<String>,
    /// Whether counting is denied.
    denied: bool,
    removed: AtomicUsize,
    listed: AtomicUsize,
}

impl MadeUp {
    async fn start(pages: usize, denied: bool) -> (Arc<Self>, String) {
        let this = Self { pages: pages.into(), denied, ..Self::default() };
        *this.last_written.lock().expect("sound") = "2026-01-01T00:00:00.000Z".into();
        let this = Arc::new(this);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("known"));
        let server = Arc::clone(&this);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Arc::clone(&server);
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        (this, url)
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut buffer = Vec::new();
        loop {
            let request = read_request(&mut stream, &mut buffer).await?;
            let (status, body) = self.answer(&request);
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).await.ok()?;
        }
    }

    fn answer(&self, request: &str) -> (u16, String) {
        let line = request.lines().next().unwrap_or_default();
        if line.contains("?tagging") {
            let tag = |key: &str, value: &str| format!("<Tag><Key>atlas:{key}</Key><Value>{value}</Value></Tag>");
            let mark = mark(BUCKET, "full");
            let tags = [
                tag("project", &mark.project),
                tag("environment", &mark.environment),
                tag("address", mark.address.as_str()),
                tag("force-empty", "true"),
            ];
            return (200, format!("<Tagging><TagSet>{}</TagSet></Tagging>", tags.concat()));
        }
        if line.contains("versions") {
            self.listed.fetch_add(1, Ordering::Relaxed);
            if self.denied {
                return (403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>".into());
            }
            let at = line.split("key-marker=page-").nth(1).and_then(|rest| rest.split(['&', ' ']).next());
            return (200, self.page(at.map_or(0, |at| at.parse::<usize>().expect("a page"))));
        }
        if line.contains("?delete") {
            self.removed.fetch_add(request.matches("<Object>").count(), Ordering::Relaxed);
            self.pages.fetch_sub(1, Ordering::Relaxed);
            return (200, "<DeleteResult></DeleteResult>".into());
        }
        if line.starts_with("DELETE") {
            return (204, String::new());
        }
        if line.starts_with("GET /?") || line.starts_with("GET / ") {
            return (200, "<ListAllMyBucketsResult><Buckets><Bucket><Name>full</Name></Bucket></Buckets></ListAllMyBucketsResult>".into());
        }
        (200, String::new())
    }

    fn page(&self, at: usize) -> String {
        let pages = self.pages.load(Ordering::Relaxed);
        let last = at + 1 >= pages;
        let written =
            if last { self.last_written.lock().expect("sound").clone() } else { "2025-01-01T00:00:00.000Z".into() };
        let version = |n: usize| {
            format!(
                "<Version><Key>k{at}-{n}</Key><VersionId>v</VersionId><Size>2</Size><LastModified>{written}</LastModified></Version>"
            )
        };
        let versions: String = if pages == 0 { String::new() } else { (0..1_000).map(version).collect() };
        let next =
            format!("<NextKeyMarker>page-{}</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>", at + 1);
        format!("<ListVersionsResult><IsTruncated>{}</IsTruncated>{next}{versions}</ListVersionsResult>", !last)
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..at]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let whole = at + 4 + length.unwrap_or(0);
            if buffer.len() >= whole {
                let request = String::from_utf8_lossy(&buffer[..whole]).into_owned();
                buffer.drain(..whole);
                return Some(request);
            }
        }
        let mut more = [0; 65_536];
        match stream.read(&mut more).await.ok()? {
            0 => return None,
            read => buffer.extend_from_slice(&more[..read]),
        }
    }
}

/// What a look at the bucket alone counts, and what a listing does.
async fn counts(session: &dyn Session) -> (Count, Count) {
    let identity = Identity::from_text("region/us-east-1/bucket/full");
    let seen = session.read(&evidence(&own(BUCKET), &identity)).await.expect("readable").expect("there");
    let listing = listed(session, &[BUCKET], &Wanted::default()).await;
    let objects = |object: &atlas::observed::Object| counted(&object.usage, "objects");
    (objects(&seen.object), objects(&listing.objects[0]))
}

#[tokio::test]
async fn a_count_is_exact_or_says_that_it_is_not() {
    let cases = [
        (0, Count::Exactly(0), Count::Exactly(0)),
        (1, Count::Exactly(1_000), Count::Exactly(1_000)),
        (10, Count::Exactly(10_000), Count::Exactly(10_000)),
        (11, Count::Exactly(11_000), Count::AtLeast(10_000)),
        (13, Count::Exactly(13_000), Count::AtLeast(10_000)),
    ];
    for (pages, alone, among_others) in cases {
        let (_, url) = MadeUp::start(pages, false).await;
        let session = open(&region("us-east-1", &url, Some("1"))).await;
        assert_eq!(counts(&*session).await, (alone, among_others), "{pages} pages");
    }
    let (_, url) = MadeUp::start(3, true).await;
    let session = open(&region("us-east-1", &url, Some("1"))).await;
    assert_eq!(counts(&*session).await, (Count::Unknown, Count::Unknown));
}

#[tokio::test]
async fn what_came_after_the_last_look_stays() {
    let identity = Identity::from_text("region/us-east-1/bucket/full");
    for (shown, pages, written) in [(13_000, 14, "2025-06-01"), (13_000, 13, "2026-06-01"), (1_000, 2, "2026-06-01")] {
        // New versions are found by their number or by their date, so each case changes at least one of the two.
        let (server, url) = MadeUp::start(shown / 1_000, false).await;
        let session = open(&region("us-east-1", &url, Some("1"))).await;
        let seen = session.read(&evidence(&own(BUCKET), &identity)).await.expect("readable").expect("there");
        server.pages.store(pages, Ordering::Relaxed);
        *server.last_written.lock().expect("sound") = format!("{written}T00:00:00.000Z");
        let error = session.delete(&seen).await.expect_err("it holds more");
        assert_eq!((error.class, &*error.message), (Class::Conflict, "it holds more than when it was looked at"));
        assert!(server.removed.load(Ordering::Relaxed) <= shown, "nothing that was not counted is removed");
        // A count just before the deletion finds them as well, and then nothing is removed.
        let (server, url) = MadeUp::start(pages.max(shown / 1_000 + 1), false).await;
        let session = open(&region("us-east-1", &url, Some("1"))).await;
        let then = std::iter::once(("objects".into(), Count::Exactly(shown as u64))).collect();
        let kind = own(BUCKET);
        let look = evidence(&kind, &identity);
        let ours = mark(BUCKET, "full");
        let done = protocol::delete(&*session, &look, &ours, protocol::Ownership::Marked, Some(&then)).await;
        assert_eq!(done.expect_err("it holds more").class, Class::Conflict);
        assert_eq!(server.removed.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn what_was_counted_is_removed_whole() {
    let (server, url) = MadeUp::start(12, false).await;
    let session = open(&region("us-east-1", &url, Some("1"))).await;
    let identity = Identity::from_text("region/us-east-1/bucket/full");
    let seen = session.read(&evidence(&own(BUCKET), &identity)).await.expect("readable").expect("there");
    session.delete(&seen).await.expect("deleted");
    assert_eq!(server.removed.load(Ordering::Relaxed), 12_000);
    // A listing without `evidence` does not count the contents of a wanted bucket.
    let before = server.listed.load(Ordering::Relaxed);
    let attributes = [("name", "full".into())].into_iter().collect();
    let wanted = std::iter::once((identity.as_str(), Some(&attributes))).collect();
    listed(&*session, &[BUCKET], &wanted).await;
    assert_eq!(server.listed.load(Ordering::Relaxed), before);
    assert!(atlas::driver::aws::Aws::new().open(None, &owner()).await.is_ok());
}
