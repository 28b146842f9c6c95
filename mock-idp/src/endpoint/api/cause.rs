//! What the management API says in `errorCauses`, in one place.
//!
//! Okta's tables give the codes and summaries (`protocol::error`), but no causes: every text here is inferred, some from what
//! people report, and no test asserts one. `{0}` stands for an argument. What begins with `mock-idp` is a limit of this
//! program, which Okta does not have.

// Any resource.
pub(crate) const TAKEN: &str = "An object with this field already exists in the current organization";
pub(crate) const BLANK: &str = "The field cannot be left blank";
pub(crate) const TOO_LONG: &str = "The field is too long. The maximum is {0}";
pub(crate) const NO_TEXT: &str = "The field must be a string";
pub(crate) const NO_TEXTS: &str = "The field must be an array of strings";
pub(crate) const INVALID: &str = "The value is invalid";
pub(crate) const ONE_OF: &str = "The value must be {0}";
pub(crate) const IN_RANGE: &str = "The value must be in the range {0}";
pub(crate) const POSITIVE: &str = "The value must be a positive number";

// Users.
pub(crate) const LOGIN_NO_ADDRESS: &str = "Username must be in the form of an email address";
pub(crate) const EMAIL_NO_ADDRESS: &str = "Does not match required pattern";
pub(crate) const NO_ATTRIBUTE: &str = "The value is not one of an attribute";
pub(crate) const PASSWORD: &str = "Password requirements were not met.";
pub(crate) const OLD_PASSWORD: &str = "Old Password is not correct";
pub(crate) const NOT_ACTIVE: &str = "Cannot suspend a user that is not active";
pub(crate) const NOT_SUSPENDED: &str = "Cannot unsuspend a user that is not suspended";
pub(crate) const PLAIN_PASSWORD: &str = "mock-idp takes a value only, neither a hash nor a hook";

// Applications.
pub(crate) const KIND: &str = "mock-idp has applications of the kind oidc_client only";
pub(crate) const MODE: &str = "mock-idp has OPENID_CONNECT applications only";
pub(crate) const REDIRECT_URIS: &str = "'redirect_uris' must have at least 1 item for the requested grant types.";
pub(crate) const NO_URI: &str = "'{0}' is not a valid URI";
pub(crate) const CLIENT_ID_FIXED: &str = "The client_id cannot be changed";
pub(crate) const CLIENT_ID: &str = "The client_id must have 6 to 100 alphanumeric characters or $-_.+!*'(),";
pub(crate) const CLIENT_SECRET: &str = "The client_secret must have 14 to 100 characters";
pub(crate) const BY_GROUP: &str =
    "The application cannot be unassigned from the user while their group memberships grant them access";

// Authorization servers.
pub(crate) const ONE_AUDIENCE: &str = "Only one audience is supported";
pub(crate) const KEY_USE: &str = "Invalid value specified for key 'use' parameter.";
pub(crate) const SCOPE_NAME: &str = "The scope name contains illegal characters";
pub(crate) const CLAIM_NAME: &str = "The claim name is reserved";
pub(crate) const PATTERN: &str = "The regular expression is invalid";
pub(crate) const EXPRESSION: &str = "mock-idp evaluates literals, user.attribute and + only";
