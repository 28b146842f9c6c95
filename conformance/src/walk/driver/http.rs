//! A browser of single requests: a jar of cookies, the open page, and what a browser does with an answer. It runs no script.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use mock_idp::flow::record::Stamp;
use url::Url;

use super::{
    Ability, Driver, Order, Pairs, Peek, Press, Sender, Shot, Visit, dress,
    lead::{leads_on, opens_page},
    press::request_of,
};
use crate::{
    browser::{
        cookie_jar::{CookieJar, Situation},
        http::{Client, Outgoing},
        rule::{Hold, Kind, Owner, Rule, Seen},
    },
    evidence::{Answer, Problem},
    walk::Site,
};

/// More redirects in a row than any sign-in needs.
const REDIRECT_LIMIT: usize = 12;

/// One person's jar and open page.
pub(in crate::walk) struct Http {
    client: Client,
    site: Arc<Site>,
    jar: CookieJar,
    open: Option<Open>,
}

/// The page that came last.
struct Open {
    url: Url,
    status: u16,
    html: String,
}

impl Http {
    pub(in crate::walk) fn new(client: Client, site: Arc<Site>) -> Self {
        Self {
            client,
            site,
            jar: CookieJar::default(),
            open: None,
        }
    }

    /// Sends a request, follows until it rests, and keeps the page on which it does.
    async fn go(&mut self, order: Order<'_>) -> Visit {
        let visit = self.follow(order).await;
        let last = visit.seen.iter().rfind(|seen| !seen.is_held());
        self.open = last.and_then(Open::of);
        visit
    }

    async fn follow(&mut self, order: Order<'_>) -> Visit {
        let Order {
            request,
            plain,
            initiator,
            here,
            part,
            rule,
            wants,
            patience,
        } = order;
        let client = match patience {
            Some(patience) => self.client.impatient(patience),
            None => self.client.clone(),
        };
        let first = Sender {
            document: initiator.as_ref(),
            top_level: part.is_none(),
        };
        let mut next = self.dressed(request, first, &rule, rule.bare_first);
        let unedited = plain.map(|plain| self.dressed(plain, to_page(here.as_ref()), &rule, false));
        let mut visit = Visit {
            unedited,
            ..Visit::default()
        };
        let mut document = here;
        for followed in 0.. {
            let seen = self.exchange(&client, next).await;
            if opens_page(&seen.answer) {
                document = Url::parse(&seen.request.url()).ok();
            }
            let is_there = rule.hold == Hold::AfterFirst || self.has(wants, &seen).await;
            let led = match is_there {
                true => Ok(None),
                false => leads_on(&seen.request, &seen.answer, self.client.limit()).await,
            };
            visit.seen.push(seen);
            let leads_to = match led {
                Ok(Some(leads_to)) => leads_to,
                Ok(None) => break,
                Err(unreadable) => {
                    visit.notes.push(unreadable);
                    break;
                }
            };
            let owner = self.owner(&leads_to.origin);
            let end = if followed == REDIRECT_LIMIT {
                Some(Answer::Broken {
                    problem: Problem::Loop,
                    text: format!("more than {REDIRECT_LIMIT} redirects in a row"),
                })
            } else if rule.hold.stops(owner, visit.seen.len()) {
                Some(Answer::NotSent {
                    why: "held at this point of the walk".to_owned(),
                })
            } else {
                None
            };
            if let Some(answer) = end {
                visit.seen.push(seen_now(Stamp::now(), owner, leads_to, answer));
                break;
            }
            next = self.dressed(leads_to, to_page(document.as_ref()), &rule, false);
        }
        visit
    }

    async fn exchange(&mut self, client: &Client, request: Outgoing) -> Seen {
        let at = Stamp::now();
        let answer = client.send(&request).await;
        let seen = seen_now(at, self.owner(&request.origin), request, answer);
        self.keep_cookies(&seen);
        seen
    }

    fn keep_cookies(&mut self, seen: &Seen) {
        if let Answer::Http { headers, .. } = &seen.answer {
            for (_, line) in headers.iter().filter(|(name, _)| name == "set-cookie") {
                self.jar.take(&seen.request.origin, line, seen.done);
            }
        }
    }

    /// Whether this answer is a page that has what is to be pressed.
    async fn has(&self, wants: Option<Press<'_>>, seen: &Seen) -> bool {
        let Some(what) = wants.filter(|_| opens_page(&seen.answer)) else {
            return false;
        };
        match Open::of(seen) {
            Some(open) => what.on(&open.html, &open.url, self.client.limit()).await.is_some(),
            None => false,
        }
    }

    /// A request with what a browser adds to it.
    fn dressed(&self, mut outgoing: Outgoing, sender: Sender<'_>, rule: &Rule, is_bare: bool) -> Outgoing {
        dress::add_agent(&mut outgoing);
        dress::add_whence(&mut outgoing, sender);
        if is_bare || dress::has(&outgoing, "cookie") {
            return outgoing;
        }
        let pairs = match &rule.cookies {
            Some(tampered) if self.site.is_app(&outgoing.origin) => tampered.clone(),
            _ => {
                let pairs = self.pairs(&outgoing, sender).into_iter();
                pairs.map(|(name, value)| (name, value.into_bytes())).collect()
            }
        };
        dress::add_cookies(&mut outgoing, &pairs);
        outgoing
    }

    fn pairs(&self, outgoing: &Outgoing, sender: Sender<'_>) -> Pairs {
        let situation = Situation {
            initiator: sender.document,
            method: &outgoing.method,
            top_level: sender.top_level,
        };
        self.jar.pairs(&outgoing.origin, situation, Stamp::now())
    }

    fn owner(&self, url: &Url) -> Owner {
        self.site.owner(url)
    }
}

impl Driver for Http {
    fn lacks(&self, ability: Ability<'_>) -> Option<String> {
        match ability {
            Ability::Scripts => Some("runs no scripts".to_owned()),
            _ => None,
        }
    }

    fn visit<'a>(&'a mut self, order: Order<'a>) -> BoxFuture<'a, Visit> {
        self.go(order).boxed()
    }

    fn press<'a>(&'a mut self, what: Press<'a>, order: Order<'a>) -> BoxFuture<'a, Option<Visit>> {
        async move {
            let open = self.open.as_ref()?;
            // What has a form of the authorization server's may be an error page.
            if matches!(what, Press::Hosted(_)) && open.status != 200 {
                return None;
            }
            let found = what.on(&open.html, &open.url, self.client.limit()).await?;
            let request = request_of(&found);
            Some(self.go(Order { request, ..order }).await)
        }
        .boxed()
    }

    fn cookies<'a>(&'a mut self, request: &'a Outgoing, sender: Sender<'a>) -> BoxFuture<'a, Result<Pairs, String>> {
        let pairs = self.pairs(request, sender);
        async move { Ok(pairs) }.boxed()
    }

    fn plant<'a>(&'a mut self, url: &'a Url, set_cookie: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.jar.take(url, set_cookie, Stamp::now());
        async { Ok(()) }.boxed()
    }

    fn clear<'a>(&'a mut self, origin: &'a Url) -> BoxFuture<'a, Result<(), String>> {
        self.jar.clear(origin);
        async { Ok(()) }.boxed()
    }

    fn take_in(&mut self, seen: Seen) {
        self.keep_cookies(&seen);
        self.open = Open::of(&seen);
    }

    fn peek<'a>(&'a mut self, _: &'a Outgoing, _: &'a Url, _: Rule) -> BoxFuture<'a, Result<Option<Peek>, String>> {
        let reason = self.lacks(Ability::Scripts).unwrap_or_default();
        async move { Err(format!("the HTTP driver {reason}")) }.boxed()
    }

    fn screen(&mut self, _: bool) -> BoxFuture<'_, Option<Shot>> {
        async { None }.boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}

impl Open {
    /// `None` where there was no answer.
    fn of(seen: &Seen) -> Option<Self> {
        let Answer::Http { status, body, .. } = &seen.answer else {
            return None;
        };
        Some(Self {
            url: Url::parse(&seen.request.url()).ok()?,
            status: *status,
            html: body.clone(),
        })
    }
}

/// A navigation that starts from this document.
fn to_page(document: Option<&Url>) -> Sender<'_> {
    Sender {
        document,
        top_level: true,
    }
}

fn seen_now(at: Stamp, owner: Owner, request: Outgoing, answer: Answer) -> Seen {
    Seen {
        at,
        done: Stamp::now(),
        kind: Kind::Document,
        owner,
        request,
        answer,
    }
}
