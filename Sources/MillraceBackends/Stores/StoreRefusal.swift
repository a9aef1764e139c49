import Millrace
import MillraceCore

/// The errors with which every store refuses what it is asked, so that they read the same.
enum StoreRefusal {
    static func bodyDiffers(_ key: String) -> MillraceError {
        MillraceError(
            .conflict, "the idempotency key was used before with another body: take a new key for a new request",
            details: ["field": "Idempotency-Key", "idempotency_key": .string(key)])
    }
    static func noParent(_ id: String) -> MillraceError {
        MillraceError(.notFound, "the chat has no message '\(id)'", details: ["field": "parent_id"])
    }
    static func noChat(_ id: String) -> MillraceError {
        MillraceError(.notFound, "there is no chat '\(id)'", details: ["field": "chat_id"])
    }
    static func chatExists(_ id: String) -> MillraceError {
        MillraceError(.conflict, "there is a chat '\(id)' already", details: ["field": "chat_id"])
    }
    static func idExists(_ id: String) -> MillraceError {
        MillraceError(.conflict, "a run or message '\(id)' is stored already")
    }
    static func noRun(_ id: String) -> MillraceError {
        MillraceError(.notFound, "there is no run '\(id)'")
    }
    static func hasEnded(_ id: String) -> MillraceError {
        MillraceError(.conflict, "the run '\(id)' has ended already")
    }
    static func chatIsBusy(_ id: String) -> MillraceError {
        MillraceError(.conflict, "the chat '\(id)' has a run that goes on: cancel it or wait for its end")
    }
    static func noContent(_ id: String) -> MillraceError {
        MillraceError(.notFound, "there is no content '\(id)'", details: ["content_id": .string(id)])
    }
    static func contentExists(_ id: String) -> MillraceError {
        MillraceError(.conflict, "there is content '\(id)' already")
    }
    static func onlySystem() -> MillraceError {
        MillraceError(.internal, "only the server itself may ask for everybody's unfinished runs")
    }
    static func closed() -> MillraceError {
        MillraceError(.serverShutdown, "the store is closed")
    }
}
