//! What every source can say about the user: these change ID token and userinfo alike, so that no comparison of the two
//! sources hides how the relying party treats the value.

use super::Message;

faults! {
    /// What ID token and userinfo can both say about the user.
    IdentityFault, Message::Identity, "identity", twin = Unchanged;
    Unchanged, "unchanged", "OIDC Core 1.0 §5.1", "Nothing is wrong: the claims went through the hook.";

    // Account matching
    ProfileChanged, "keyed-by-sub", "OIDC Core 1.0 §5.7", "The same sub comes with another email, name and preferred_username.";
    VictimProfileUnverified, "email-collision.unverified", "OIDC Core 1.0 §5.7", "A fresh sub comes with the victim's email, name and preferred_username, email_verified is false.";
    VictimProfileUnsaid, "email-collision.unsaid", "OIDC Core 1.0 §5.7", "A fresh sub comes with the victim's email, name and preferred_username, email_verified is absent.";
    VerifiedStringFalse, "email-verified-type.string-false", "OIDC Core 1.0 §5.1", "The email is the victim's and email_verified is the string false.";
    VerifiedStringTrue, "email-verified-type.string-true", "OIDC Core 1.0 §5.1", "The email is the victim's and email_verified is the string true.";
    VerifiedZero, "email-verified-type.zero", "OIDC Core 1.0 §5.1", "The email is the victim's and email_verified is 0.";
    VerifiedOne, "email-verified-type.one", "OIDC Core 1.0 §5.1", "The email is the victim's and email_verified is 1.";
    VerifiedNull, "email-verified-type.null", "OIDC Core 1.0 §5.1", "The email is the victim's and email_verified is null.";
    VerifiedAbsent, "email-verified-type.absent", "OIDC Core 1.0 §5.1", "The email is the victim's and email_verified is absent.";
    SubOtherCase, "sub-exact.case", "OIDC Core 1.0 §2", "The sub is the victim's in other case.";
    SubTrailingSpace, "sub-exact.trailing-space", "OIDC Core 1.0 §2", "The sub is the victim's with a space at its end.";
    SubFullWidth, "sub-exact.normal-form", "OIDC Core 1.0 §2", "The sub is the victim's with one character in its full-width form, which Unicode normalisation folds.";
    SubWordNull, "sub-odd-values.null", "OIDC Core 1.0 §2", "The sub is the word null.";
    SubWordUndefined, "sub-odd-values.undefined", "OIDC Core 1.0 §2", "The sub is the word undefined.";
    SubWordZero, "sub-odd-values.zero", "OIDC Core 1.0 §2", "The sub is the digit 0.";
    SubWordAdmin, "sub-odd-values.admin", "OIDC Core 1.0 §2", "The sub is the word admin.";
    SubPath, "sub-odd-values.path", "OIDC Core 1.0 §2", "The sub looks like a path out of the folder.";
    SubQuotes, "sub-odd-values.quotes", "OIDC Core 1.0 §2", "The sub holds quotes and SQL.";
    SubLdap, "sub-odd-values.ldap", "OIDC Core 1.0 §2", "The sub holds LDAP filter characters.";
    Sub255, "sub-odd-values.255-characters", "OIDC Core 1.0 §2", "The sub is 255 ASCII characters long.";
    EmailTwoAt, "email-odd.two-at", "RFC 5321 §4.1.2", "The email has two @, an outside domain before the allowed one.";
    EmailFullWidthAt, "email-odd.full-width-at", "RFC 5321 §4.1.2", "The email has a full-width @ before the allowed domain.";
    EmailCrlf, "email-odd.crlf", "RFC 5321 §4.1.2", "The email is an outside address, CRLF and an allowed one.";
    EmailTrailingDot, "email-odd.trailing-dot", "RFC 5321 §4.1.2", "The domain of the email is the allowed one with a dot at its end.";
    EmailSubdomain, "email-odd.sub-domain", "RFC 5321 §4.1.2", "The domain of the email is below the allowed one.";
    EmailOutside, "email-odd.outside", "RFC 5321 §4.1.2", "The domain of the email is an outside one.";
    GroupAdded, "claims-refreshed.group", "ASVS 5.0 §8.3.2", "The user is in a group that no other flow names.";

    // Content
    ProfileAbsent, "missing-optional.absent", "OIDC Core 1.0 §5.3.2", "There is no email, no name and no preferred_username, which is allowed.";
    ProfileNull, "missing-optional.null", "OIDC Core 1.0 §5.3.2", "email, name and preferred_username are null.";
    ProfileEmpty, "missing-optional.empty", "OIDC Core 1.0 §5.3.2", "email, name and preferred_username are empty strings.";
    NameUnicode, "extra-claims.unicode-name", "RFC 8259 §8.1", "The name holds emoji, right-to-left marks, combining and astral characters, which is allowed.";
    EmailUnicode, "extra-claims.unicode-email", "RFC 8259 §8.1", "The local part of the email holds emoji and combining characters, which is allowed.";
    NameMarkup, "claims-xss.name", "ASVS 5.0 §1.2.1", "The name holds HTML that runs a script.";
    EmailMarkup, "claims-xss.email", "ASVS 5.0 §1.2.1", "The email holds HTML that runs a script.";
    LocaleMarkup, "claims-xss.locale", "ASVS 5.0 §1.2.1", "The locale breaks out of an HTML attribute.";
    PictureScript, "claims-xss.picture", "ASVS 5.0 §1.2.1", "The picture is a javascript: URL.";
    WebsiteScript, "claims-xss.website", "ASVS 5.0 §1.2.1", "The website is a javascript: URL.";
    PictureSecondOrigin, "picture-ssrf.public", "ASVS 5.0 §1.3.6", "The picture is a URL of a foreign origin.";
    PictureLoopback, "picture-ssrf.loopback", "ASVS 5.0 §1.3.6", "The picture is a URL of the loopback address.";
    PictureLoopbackMapped, "picture-ssrf.loopback-mapped", "ASVS 5.0 §1.3.6", "The picture is a URL of the loopback address, written as an IPv6 address.";
    PictureLinkLocal, "picture-ssrf.link-local", "ASVS 5.0 §1.3.6", "The picture is the address of a cloud's metadata service.";
    PictureFile, "picture-ssrf.file", "ASVS 5.0 §1.3.6", "The picture is a file: URL.";
    NameCrlf, "crlf.name", "WSTG-INPV-15", "The name holds CR, LF and a header line.";
    LoginCrlf, "crlf.preferred-username", "WSTG-INPV-15", "The preferred_username holds CR, LF and a header line.";
}
