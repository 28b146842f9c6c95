//! What the answer of the end-session endpoint can get wrong.

use super::Message;

faults! {
    /// What the answer of the end-session endpoint can get wrong.
    EndSessionFault, Message::EndSession, "end-session", twin = Rewritten;
    Rewritten, "rewritten", "RP-Initiated Logout 1.0 §3", "Nothing is wrong: the answer went through the hook and was written again.";
    StateOther, "rp-init-state.other", "RP-Initiated Logout 1.0 §3", "The user comes back with another state.";
    StateAbsent, "rp-init-state.absent", "RP-Initiated Logout 1.0 §3", "The user comes back without the state.";
    Error, "rp-init-state.error", "RP-Initiated Logout 1.0 §4", "The user comes back with an error.";
    Hang, "idp-unreachable.hang", "RP-Initiated Logout 1.0 §2", "The answer never comes and the connection stays open.";
    Status500, "idp-unreachable.500", "RP-Initiated Logout 1.0 §2", "The answer is 500.";
}
