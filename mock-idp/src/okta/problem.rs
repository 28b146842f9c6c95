//! What can be wrong with what somebody typed: the words of the pages and of the IDX API, in one place.

use crate::tenant::PageStyle;

/// What a page or an IDX answer complains about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    None,
    /// Fields were left empty.
    Missing {
        identifier: bool,
        secret: bool,
    },
    /// The password of somebody who is known, on a page of its own.
    PasswordWrong,
    /// Nobody is told whether it was the name or the password.
    Unable,
    PasscodeWrong,
    PasscodeUsed,
    /// The old password, on the page for a new one.
    OldPasswordWrong,
    /// The new password and its repetition differ.
    NewPasswordsDiffer,
    /// No new password.
    NewPasswordMissing,
}

pub(crate) const NOT_ASSIGNED: Message = Message(
    "User is not assigned to this application.",
    "idx.error.user.not.assigned.to.app",
);
pub(crate) const DENIED: Message = Message(
    "You do not have permission to perform the requested action.",
    "security.access_denied",
);
pub(crate) const EXPIRED: Message = Message(
    "You have been logged out due to inactivity. Refresh or return to the sign in screen.",
    "idx.session.expired",
);
const BLANK: Message = Message("This field cannot be left blank", "model.validation.field.blank");
const USED: &str = "Each code can only be used once. Please wait for a new code and try again.";

/// The text and the i18n key of a message of the IDX API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message(pub(crate) &'static str, pub(crate) &'static str);

impl Problem {
    /// Whether it is the answer to something that was whole: the form itself sees what is missing.
    pub(crate) fn is_answer(self) -> bool {
        !matches!(
            self,
            Self::None
                | Self::Missing { .. }
                | Self::PasscodeWrong
                | Self::NewPasswordsDiffer
                | Self::NewPasswordMissing
        )
    }

    /// Above the form.
    pub(crate) fn banner(self, style: PageStyle) -> &'static str {
        match self {
            Self::None => "",
            Self::PasscodeWrong if style == PageStyle::Classic => "Invalid Passcode/Answer",
            Self::OldPasswordWrong => "Update of credentials failed",
            Self::Missing { .. } | Self::PasscodeWrong | Self::NewPasswordsDiffer | Self::NewPasswordMissing => {
                "We found some errors. Please review the form and make corrections."
            }
            Self::PasswordWrong => "Password is incorrect",
            Self::Unable => "Unable to sign in",
            Self::PasscodeUsed => USED,
        }
    }

    /// Under the field for the name.
    pub(crate) fn of_identifier(self, style: PageStyle) -> &'static str {
        match self {
            Self::Missing { identifier: true, .. } if style == PageStyle::Classic => "Please enter a username",
            Self::Missing { identifier: true, .. } => BLANK.0,
            _ => "",
        }
    }

    /// Under the field for the password.
    pub(crate) fn of_password(self, style: PageStyle) -> &'static str {
        match self {
            Self::Missing { secret: true, .. } if style == PageStyle::Classic => "Please enter a password",
            Self::Missing { secret: true, .. } => BLANK.0,
            _ => "",
        }
    }

    /// Under the field for a new password.
    pub(crate) fn of_new_password(self) -> &'static str {
        match self {
            Self::NewPasswordMissing => BLANK.0,
            _ => "",
        }
    }

    /// Under the field that repeats it.
    pub(crate) fn of_repetition(self) -> &'static str {
        match self {
            Self::NewPasswordsDiffer => "New passwords must match",
            _ => "",
        }
    }

    /// Under the field for the code.
    pub(crate) fn of_passcode(self, style: PageStyle) -> &'static str {
        match self {
            Self::Missing { secret: true, .. } => BLANK.0,
            Self::PasscodeWrong if style != PageStyle::Classic => "Invalid code. Try again.",
            _ => "",
        }
    }

    /// In the IDX API: what is said of the request as a whole.
    pub(crate) fn of_request(self) -> Option<Message> {
        match self {
            Self::PasswordWrong => Some(Message("Password is incorrect", "incorrectPassword")),
            Self::Unable => Some(Message("Authentication failed", "errors.E0000004")),
            Self::PasscodeUsed => Some(Message(USED, "api.authn.error.PASSCODE_REPLAYED")),
            _ => None,
        }
    }

    /// In the IDX API: what is said of the name.
    pub(crate) fn of_identifier_field(self) -> Option<Message> {
        matches!(self, Self::Missing { identifier: true, .. }).then_some(BLANK)
    }

    /// In the IDX API: what is said of the password or code.
    pub(crate) fn of_passcode_field(self) -> Option<Message> {
        match self {
            Self::Missing { secret: true, .. } | Self::NewPasswordMissing => Some(BLANK),
            Self::PasscodeWrong => Some(Message("Invalid code. Try again.", "api.authn.error.PASSCODE_INVALID")),
            _ => None,
        }
    }
}
