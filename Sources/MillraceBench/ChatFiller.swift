import MillraceCore

/// Makes a chat with as many messages as are asked for, by asking and being answered.
struct ChatFiller {
    static let chat = "c_bench"
    let port: Int

    /// A request that goes on from a message, so that each has the same history.
    static func body(after message: String) -> String {
        #"{"task":"bench","chat_id":"\#(chat)","parent_id":"\#(message)","parts":[{"content":"1 together"}]}"#
    }

    /// Adds messages. Returns the id of the last one.
    func fill(messages: Int) throws(MillraceError) -> String {
        let connection = try LoopbackConnection(port: port)
        var last = ""
        // A question and an answer each.
        for _ in 0..<((messages + 1) / 2) {
            let (head, body) = try connection.exchange(
                "POST", "/api/v1/generate/invoke", body: #"{"task":"bench","chat_id":"\#(Self.chat)","parts":[{"content":"8 together"}]}"#)
            guard head.status == 200, let id = try JSONValue(parsing: body)["message_id"]?.string else {
                throw MillraceError(.system, "the chat could not be filled: \(head.status) \(body.prefix(200))")
            }
            last = id
        }
        return last
    }
}
