"""The client against the program itself. Run by ``.ci/recipes python-client``."""

import base64
import json
import urllib.parse
import urllib.request

import pytest

from mock_idp import MockIdpError

CLIENT = ("web", "a-secret-that-is-long-enough", "http://localhost:3000/callback")
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def sign_in(idp):
    """A browser and an app in one: the authorization request, which answers at once, and the code for tokens."""
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)
    query = urllib.parse.urlencode({
        "client_id": CLIENT[0], "redirect_uri": CLIENT[2], "response_type": "code", "scope": "openid email", "state": "s",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    })
    with pytest.raises(urllib.error.HTTPError) as redirect:
        browser.open(f"{idp.issuer}/v1/authorize?{query}")
    with redirect.value as answer:
        back = urllib.parse.urlsplit(answer.headers["location"])
    form = urllib.parse.urlencode({
        "grant_type": "authorization_code", "code": urllib.parse.parse_qs(back.query)["code"][0], "redirect_uri": CLIENT[2],
        "code_verifier": VERIFIER, "client_id": CLIENT[0], "client_secret": CLIENT[1],
    })
    with browser.open(f"{idp.issuer}/v1/token", form.encode()) as answer:
        claims = json.load(answer)["id_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=="))


@pytest.fixture(scope="session")
def mock_idp_arguments():
    return ["--client", f"{CLIENT[0]}:{CLIENT[1]}={CLIENT[2]}"]


def test_somebody_new_signs_in_without_a_page(idp):
    user = idp.user(given_name="Zoë")
    idp.login(user)
    assert sign_in(idp)["email"] == user["login"]
    assert idp.flow(user=user)["id"]


def test_a_fault_is_for_one_sign_in_of_one_person(idp):
    user = idp.user()
    idp.fault("id-token.aud-wrong.other", user=user)
    idp.login(user)
    assert sign_in(idp)["aud"] != CLIENT[0]
    idp.verify()
    idp.login(user)
    assert sign_in(idp)["aud"] == CLIENT[0]


def test_a_fault_that_never_fired_is_told(idp):
    idp.fault("id-token.alg-none", user=idp.user())
    with pytest.raises(AssertionError, match="id-token.alg-none"):
        idp.verify()


def test_a_fault_for_everybody_is_refused(idp):
    with pytest.raises(ValueError, match="needs a user"):
        idp.fault("id-token.alg-none")


def test_what_is_wrong_is_said(idp):
    with pytest.raises(MockIdpError, match="alg-none"):
        idp.fault("id-token.alg-nonne", user="somebody@example.test")


def test_what_a_test_adds_is_gone_after_it(mock_idp_server):
    assert not [user for user in mock_idp_server.call("GET", "users") if str(user).find("user-") >= 0]
