"""What one can see of the server and make it do, over HTTP and from another language than its own. Every test has a server of
its own, so that it may reset it, move its clock and turn its keys. Run by ``.ci/recipes python-client``."""

import json
import urllib.error
import urllib.parse
import urllib.request

import pytest
from mock_idp import MockIdp, MockIdpError
from test_client import CHALLENGE, CLIENT, VERIFIER, Stay, sign_in

BROWSER = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)


@pytest.fixture
def server():
    with MockIdp.start("--client", f"{CLIENT[0]}:{CLIENT[1]}={CLIENT[2]}", "--user", "alice@example.test:admins") as server:
        yield server


def ask(url, form=None, headers=()):
    """Status, header fields and text of an answer."""
    body = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        answer = BROWSER.open(urllib.request.Request(url, body, dict(headers)))
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read().decode()


def authorization(server, **changes):
    params = {
        "client_id": CLIENT[0], "redirect_uri": CLIENT[2], "response_type": "code", "scope": "openid email", "state": "the-state",
        "nonce": "the-nonce", "code_challenge": CHALLENGE, "code_challenge_method": "S256", **changes,
    }
    return f"{server.issuer}/v1/authorize?{urllib.parse.urlencode(params)}"


def redeemed(server, **changes):
    """The answer of the token endpoint to a fresh code of Alice's."""
    server.login("alice@example.test")
    _, headers, _ = ask(authorization(server))
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(headers["location"]).query)["code"][0]
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": CLIENT[2], "code_verifier": VERIFIER,
        "client_id": CLIENT[0], "client_secret": CLIENT[1], **changes,
    }
    return ask(f"{server.issuer}/v1/token", form)


def explained(server):
    """The near miss of the latest refusal: its rule, what differs, what fixes it."""
    miss = server.requests(refused="true")[0]["refused"]["near_miss"]
    differs = [row["differs"] for row in miss["rows"] if row["differs"]]
    return miss["rule"], " ".join(differs), miss["app"] + miss["toml"]


def test_a_wrong_redirect_uri_is_explained(server):
    status, _, page = ask(authorization(server, redirect_uri="http://127.0.0.1:3000/callback"))
    rule, differs, fix = explained(server)
    assert (status, rule) == (400, "redirect-uri-unregistered")
    assert "It differs in the host only." in differs and "It differs in the host only." in page
    assert "redirect_uris = [" in fix


def test_a_wrong_secret_is_explained_and_not_said(server):
    status, _, _ = redeemed(server, client_secret=CLIENT[1] + "\n")
    rule, differs, fix = explained(server)
    assert (status, rule) == (401, "client-auth")
    assert "white space" in differs and CLIENT[1] not in differs + fix


def test_a_wrong_verifier_is_explained(server):
    status, _, _ = redeemed(server, code_verifier="x" * 43)
    rule, differs, fix = explained(server)
    assert (status, rule) == (400, "verifier-mismatch")
    assert "it belongs to another request" in differs and "session" in fix


def test_an_unknown_authorization_server_is_explained(server):
    status, _, _ = ask(authorization(server).replace("/default/", "/nope/"))
    rule, differs, fix = explained(server)
    assert (status, rule) == (404, "server-unknown")
    assert "No authorization server has this id" in differs and "/oauth2/default" in fix


@pytest.mark.parametrize(("login", "password", "rule", "differs"), [
    ("id-token.alg-nonne@fault.test", "x", "fault-unknown", "There is no fault"),
    ("alcie@example.test", "x", "user-unknown", "the nearest is `alice@example.test`"),
    ("alice@example.test", "wrong", "password-wrong", "`wrong` is always refused"),
])
def test_why_nobody_is_signed_in_is_explained(server, login, password, rule, differs):
    _, _, page = ask(authorization(server))
    token = page.split('name="stateToken" value="')[1].split('"')[0]
    ask(f"{server.issuer}/v1/authorize", {"stateToken": token, "identifier": login, "credentials.passcode": password})
    miss = server.requests()[0]["explained"]
    assert miss["rule"] == rule and differs in miss["rows"][-1]["differs"]


def test_the_address_of_the_ready_line_is_the_dashboard_and_so_is_the_root(server):
    status, headers, page = ask(f"{server.url}/_mock/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8") and "<h1>mock-idp</h1>" in page
    assert ask(f"{server.url}/", headers={"accept": "text/html"})[1]["location"] == "_mock/"


def test_a_fault_is_armed_for_one_user_and_says_where_it_fired(server):
    armed = server.fault("id-token.aud-wrong.other", user="alice@example.test")
    bob = server.user()
    server.login(bob)
    assert sign_in(server)["aud"] == CLIENT[0]
    server.login("alice@example.test")
    assert sign_in(server)["aud"] != CLIENT[0]
    after = server.armed(armed)
    assert after["fired"] == 1 and after["flows"] == [server.flow(user="alice@example.test")["id"]]


def test_what_the_app_sent_is_read(server):
    redeemed(server)
    flow = server.call("GET", f"flows/{server.flow(user='alice@example.test')['id']}")
    token_request = flow["requests"][-1]["request"]
    assert f"code_verifier={VERIFIER}" in token_request["body"]
    assert {check["what"]: check["seen"] for check in flow["checks"]}["uses PKCE with S256"] == "yes"
    assert [token["kind"] for token in flow["tokens"]] == ["id", "access"]


def test_it_is_reset_and_keeps_who_is_to_stay(server):
    server.user("carol@example.test")
    redeemed(server)
    server.call("POST", "reset?keep=users")
    assert server.flows() == []
    assert "carol@example.test" in [user["login"] for user in server.call("GET", "users")]
    server.reset()
    assert "carol@example.test" not in [user["login"] for user in server.call("GET", "users")]


def test_the_clock_is_moved_and_tokens_expire(server):
    token = json.loads(redeemed(server)[2])["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert ask(f"{server.issuer}/v1/userinfo", headers=bearer)[0] == 200
    server.clock("+2h")
    assert ask(f"{server.issuer}/v1/userinfo", headers=bearer)[0] == 401
    assert explained(server)[0] == "access-token-expired"


def test_keys_are_rotated_with_an_overlap(server):
    kids = lambda: [key["kid"] for key in json.loads(ask(f"{server.issuer}/v1/keys")[2])["keys"]]
    old = kids()
    server.rotate_keys(overlap=True)
    assert len(kids()) == 2 and kids()[1:] == old
    server.rotate_keys()
    assert len(kids()) == 1 and kids() != old


def test_verify_names_what_never_fired_and_what_was_refused(server):
    server.verify()
    server.fault("id-token.alg-none", user="alice@example.test")
    ask(authorization(server, redirect_uri="http://localhost:1/"))
    with pytest.raises(MockIdpError) as error:
        server.verify()
    assert error.value.status == 409
    assert error.value.problem["unfired"][0]["id"] == "id-token.alg-none"
    assert error.value.problem["refused"][0]["refused"]["rule"] == "redirect-uri-unregistered"


def test_tokens_are_minted_and_explained(server):
    minted = server.call("POST", "tokens", {"user": "alice@example.test", "expires_in": "-5m"})
    told = server.call("POST", "tokens/explain", {"token": minted["id_token"]})
    exp = next(claim for claim in told["claims"] if claim["name"] == "exp")
    assert exp["finding"]["state"] == "bad" and told["signature"]["state"] == "good"


def test_a_flow_is_begun_for_one_browser(server):
    begun = server.call("POST", "flows", {"faults": ["id-token.alg-none"], "user": "alice@example.test"})
    status, headers, _ = ask(begun["enter"])
    assert status in (204, 302) and "set-cookie" in headers
    assert ask(begun["enter"] + "?to=http://elsewhere.test/")[0] == 400


def test_events_arrive_as_they_happen(server):
    request = urllib.request.Request(f"{server.url}/_mock/events")
    with BROWSER.open(request, timeout=20) as stream:
        ask(f"{server.issuer}/v1/keys")
        line = next(line for line in stream if line.startswith(b"data:"))
        assert json.loads(line[5:])["event"]["event"] == "received"


def test_the_variables_name_the_api_token_and_it_is_good(server):
    token = server.env()["OKTA_CLIENT_TOKEN"]
    status, _, text = ask(f"{server.url}/api/v1/users", headers={"authorization": f"SSWS {token}"})
    assert status == 200 and json.loads(text)[0]["profile"]["login"] == "alice@example.test"


def test_every_call_is_described(server):
    document = json.loads(ask(f"{server.url}/_mock/openapi.json")[2])
    assert document["openapi"].startswith("3.1") and "/_mock/faults" in document["paths"]


def test_with_an_admin_token_nobody_calls_without_it():
    with MockIdp.start("--admin-token", "a-token") as server:
        assert ask(f"{server.url}/_mock/users")[0] == 401
        assert ask(f"{server.url}/_mock/health")[0] == 200
        server.token = "a-token"
        assert server.call("GET", "users")


def test_a_page_of_another_origin_changes_nothing(server):
    headers = {"origin": "http://evil.test", "content-type": "application/json"}
    request = urllib.request.Request(f"{server.url}/_mock/reset", b"{}", headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        BROWSER.open(request)
    assert refused.value.code == 403
