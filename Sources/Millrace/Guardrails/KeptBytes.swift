/// How much of a block's persisted text stays where the rest is taken back, in bytes of UTF-8. A block that a handler numbers itself may hold
/// an answer and reasoning, in any order.
package struct KeptBytes: Equatable, Sendable {
    package var content: Int
    package var reasoning: Int

    package init(content: Int = 0, reasoning: Int = 0) {
        self.content = content
        self.reasoning = reasoning
    }
}
