import Millrace
import MillraceCore

/// How stored things look on the wire.
extension JSONObjectWriter {
    mutating func write(_ message: Message) {
        member("message_id", message.id)
        member("chat_id", message.chatID)
        member("parent_id", message.parentID)
        member("role", message.role.rawValue)
        member("parts", json: .array(message.parts.map(\.json)))
        member("created_at", message.createdAt.description)
        member("model_id", message.modelID)
        member("usage", json: message.usage?.json)
        member("metadata", json: .object(message.metadata))
        member("status", message.status.rawValue)
    }

    mutating func write(_ chat: Chat) {
        member("chat_id", chat.id)
        member("title", chat.title)
        member("created_at", chat.createdAt.description)
        member("updated_at", chat.updatedAt.description)
        member("newest_message_id", chat.newestMessageID)
        member("metadata", json: .object(chat.metadata))
    }

    mutating func write(_ run: RunRecord) {
        member("response_id", run.responseID)
        member("chat_id", run.chatID)
        member("task", run.task)
        member("model_id", run.modelID)
        member("status", run.status.rawValue)
        member("usage", json: run.usage?.json)
        member("request_id", run.requestID)
        member("message_id", run.userMessageID)
        member("started_at", run.startedAt.description)
        member("ended_at", run.endedAt?.description)
        member("last_sequence", run.lastSequence)
        member("prompts", json: .array(run.prompts.map(\.json)))
        // Runs have no recorded steps and nothing to approve yet: both lists are what they hold, nothing.
        member("steps", json: [])
        member("pending_interrupts", json: [])
    }

    mutating func write(_ handler: TaskHandlerMetadata) {
        member("name", handler.name)
        member("description", handler.description)
        member("is_default", handler.isDefault)
        member("configuration", json: .object(handler.configuration))
        member("created_at", handler.createdAt.description)
        member("updated_at", handler.updatedAt.description)
    }

    mutating func write<Item>(_ page: Page<Item>, _ writeItem: (Item, inout JSONObjectWriter) -> Void) {
        member("items", array: page.items, writeItem)
        member("next_cursor", page.nextCursor)
    }
}
