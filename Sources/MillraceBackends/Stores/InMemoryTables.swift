import Millrace
import MillraceCore

/// What an ``InMemoryStore`` holds, and the changes that touch several tables. Everything is keyed by its owner.
struct InMemoryTables {
    struct Key: Hashable {
        let owner: Principal
        let id: String
        init(_ owner: Principal, _ id: String) {
            self.owner = owner
            self.id = id
        }
        /// By the id alone, and compared by it first: hardly ever do two owners have the same.
        func hash(into hasher: inout Hasher) { hasher.combine(id) }
        static func == (left: Key, right: Key) -> Bool { left.id == right.id && left.owner == right.owner }
    }

    final class ChatEntry {
        let number: Int64
        var chat: Chat
        var messageIDs: [(number: Int64, id: String)] = []
        var runs: [RunEntry] = []
        var order: Int64 { chat.updatedAt.microseconds }
        init(number: Int64, chat: Chat) {
            self.number = number
            self.chat = chat
        }
    }

    /// Sendable: it is touched under the store's lock only, though a handle carries it.
    final class RunEntry: @unchecked Sendable {
        let number: Int64
        let owner: Principal
        @exclusivity(unchecked) var record: RunRecord
        let idempotencyKey: String?
        /// Whether the store has the run still.
        @exclusivity(unchecked) var isStored = true
        /// What the run's log holds.
        @exclusivity(unchecked) private(set) var byteCount = 0
        @exclusivity(unchecked) private var batches: [EventBatch] = []

        init(number: Int64, owner: Principal, record: RunRecord, idempotencyKey: String?) {
            self.number = number
            self.owner = owner
            self.record = record
            self.idempotencyKey = idempotencyKey
        }

        /// Whether retention may take it: it has ended, and waits for nobody.
        var mayExpire: Bool { record.status.isTerminal && record.status != .interrupted }

        var handle: RunHandle { RunHandle(principal: owner, responseID: record.responseID, number: number, entry: self) }

        func append(_ batch: EventBatch, reserved: Int) {
            batches.append(batch)
            byteCount += batch.byteCount
            record.lastSequence = max(record.lastSequence, batch.lastSequence)
            record.reservedSequence = max(record.reservedSequence, reserved)
        }

        /// Puts tombstones in the place of what is taken back.
        func take(back retraction: Retraction) {
            for index in batches.indices where batches[index].lastSequence >= retraction.firstSequence {
                guard let redacted = batches[index].applying(retraction) else { continue }
                byteCount += redacted.byteCount - batches[index].byteCount
                batches[index] = redacted
            }
        }

        func events(after sequence: Int, byteLimit: Int) -> StoredEvents {
            var stretch = EventStretch(after: sequence, byteLimit: byteLimit)
            // Sequences rise, so the first batch that a reader needs is found by halving.
            var low = 0
            var high = batches.count
            while low < high {
                let middle = (low + high) / 2
                if batches[middle].lastSequence > sequence { high = middle } else { low = middle + 1 }
            }
            for batch in batches[low...] where batch.lastSequence >= batch.firstSequence {
                guard stretch.takes(firstSequence: batch.firstSequence, byteCount: batch.frames.count) else { break }
                batch.frames.withBytes {
                    stretch.add(firstSequence: batch.firstSequence, lastSequence: batch.lastSequence, frames: $0)
                }
            }
            return stretch.events(status: record.status)
        }
    }

    var isClosed = false
    var chats: [Key: ChatEntry] = [:]
    var messages: [Key: Message] = [:]
    var runs: [Key: RunEntry] = [:]
    var handlers: [Key: TaskHandlerMetadata] = [:]
    var prompts: [PromptKey: PromptEntry] = [:]
    /// In the order in which they came.
    var contents: [(number: Int64, owner: Principal, record: ContentRecord)] = []
    /// Files that retention has taken and whose bytes are still there.
    var expiredContents: [ExpiredContent] = []
    /// Which chats name a file, by its id.
    private var contentUses: [String: Set<Key>] = [:]
    private var idempotencyKeys: [Key: (key: IdempotencyKey, responseID: String)] = [:]
    private var lastNumber: Int64 = 0
    /// What the logs hold, and how much of that may stay.
    private var logBytes = 0
    private let logByteLimit: Int
    /// The chats of ended runs, oldest end first: what is forgotten first when the limit is reached.
    private var ended: [Key] = []
    private var endedStart = 0
    /// The runs that are being appended to: memory for one call after the other.
    private var targets: [RunEntry] = []

    init(logByteLimit: Int) { self.logByteLimit = logByteLimit }

    mutating func nextNumber() -> Int64 {
        lastNumber += 1
        return lastNumber
    }

    mutating func create(_ new: NewRun, _ principal: Principal) throws(MillraceError) -> RunCreation {
        if let key = new.idempotencyKey, let known = try run(of: key, at: new.run.startedAt, principal) {
            return .existing(responseID: known)
        }
        let chatKey = Key(principal, new.run.chatID)
        let known = chats[chatKey]
        guard known != nil || new.createsChat else { throw StoreRefusal.noChat(new.run.chatID) }
        if let parentID = new.userMessage.parentID {
            guard messages[Key(principal, parentID)]?.chatID == new.run.chatID else { throw StoreRefusal.noParent(parentID) }
        }
        for id in ContentRecord.ids(in: new.userMessage) {
            guard contents.contains(where: { $0.owner == principal && $0.record.id == id }) else { throw StoreRefusal.noContent(id) }
        }
        for id in [new.run.responseID, new.userMessage.id] {
            guard messages[Key(principal, id)] == nil, runs[Key(principal, id)] == nil else { throw StoreRefusal.idExists(id) }
        }
        let started = new.run.startedAt
        let chat: ChatEntry
        if let known {
            chat = known
            chat.chat.updatedAt = max(chat.chat.updatedAt, started)
        } else {
            chat = ChatEntry(number: nextNumber(), chat: Chat(id: new.run.chatID, title: nil, createdAt: started, updatedAt: started))
            chats[chatKey] = chat
        }
        insert(new.userMessage, in: chat, principal)
        noteContent(of: new.userMessage, chat: chatKey)
        let run = RunEntry(number: nextNumber(), owner: principal, record: new.run, idempotencyKey: new.idempotencyKey?.key)
        run.append(new.firstBatch, reserved: new.run.reservedSequence)
        logBytes += new.firstBatch.byteCount
        chat.runs.append(run)
        runs[Key(principal, new.run.responseID)] = run
        if let key = new.idempotencyKey { idempotencyKeys[Key(principal, key.key)] = (key, new.run.responseID) }
        forgetOldest()
        return .created(run.handle)
    }

    func run(of key: IdempotencyKey, at time: Timestamp, _ principal: Principal) throws(MillraceError) -> String? {
        guard let known = idempotencyKeys[Key(principal, key.key)], known.key.expiresAt > time,
            runs[Key(principal, known.responseID)] != nil
        else { return nil }
        guard known.key.bodyHash == key.bodyHash else { throw StoreRefusal.bodyDiffers(key.key) }
        return known.responseID
    }

    /// Notes which files the chat names, so that they are kept as long as it is.
    private mutating func noteContent(of message: Message, chat: Key) {
        for id in ContentRecord.ids(in: message) where contents.contains(where: { $0.owner == chat.owner && $0.record.id == id }) {
            contentUses[id, default: []].insert(chat)
        }
    }

    private mutating func insert(_ message: Message, in chat: ChatEntry, _ owner: Principal) {
        var message = message
        // Otherwise it stays the run's own, which needs no further memory.
        if message.chatID != chat.chat.id { message.chatID = chat.chat.id }
        messages[Key(owner, message.id)] = message
        chat.messageIDs.append((nextNumber(), message.id))
    }

    /// Appends all or, when one of them is refused, none.
    mutating func append(_ appends: [RunAppend]) -> MillraceError? {
        // Borrowed: a copy of each element would cost more than storing it. All are checked before the first is stored.
        let appends = appends.span
        defer { targets.removeAll(keepingCapacity: true) }
        for index in appends.indices {
            guard let run = appends[index].handle.entry as? RunEntry, run.isStored else {
                return StoreRefusal.noRun(appends[index].handle.responseID)
            }
            targets.append(run)
            guard appends[index].isTerminal, let completion = appends[index].completion else { continue }
            guard run.record.status == .running else { return StoreRefusal.hasEnded(run.record.responseID) }
            guard messages[Key(run.owner, completion.message.id)] == nil else { return StoreRefusal.idExists(completion.message.id) }
        }
        for index in appends.indices {
            let before = targets[index].byteCount
            targets[index].append(appends[index].batch, reserved: appends[index].reservedSequence)
            for retraction in appends[index].retractions { targets[index].take(back: retraction) }
            logBytes += targets[index].byteCount - before
            if let judged = appends[index].judgedSequence { targets[index].record.judgedSequence = judged }
            if let prompts = appends[index].prompts { targets[index].record.prompts = prompts }
            if let completion = appends[index].completion { complete(targets[index], completion) }
        }
        forgetOldest()
        return nil
    }

    /// Forgets whole chats, those first whose runs ended first, until the logs fit. Chats with a running run stay.
    private mutating func forgetOldest() {
        while logBytes > logByteLimit, endedStart < ended.count {
            let key = ended[endedStart]
            endedStart += 1
            _ = try? deleteChat(key.id, key.owner)
        }
        if endedStart > 1024, endedStart * 2 > ended.count {
            ended.removeFirst(endedStart)
            endedStart = 0
        }
    }

    private mutating func complete(_ run: RunEntry, _ completion: RunCompletion) {
        run.record.status = completion.status
        run.record.judgedSequence = nil
        run.record.endedAt = completion.endedAt
        run.record.usage = completion.usage
        ended.append(Key(run.owner, run.record.chatID))
        guard let chat = chats[Key(run.owner, run.record.chatID)] else { return }
        insert(completion.message, in: chat, run.owner)
        noteContent(of: completion.message, chat: Key(run.owner, run.record.chatID))
        chat.chat.newestMessageID = completion.message.id
        chat.chat.updatedAt = max(chat.chat.updatedAt, completion.endedAt)
    }

    mutating func deleteChat(_ chatID: String, _ principal: Principal) throws(MillraceError) -> Bool {
        guard let chat = chats[Key(principal, chatID)] else { return false }
        let own = chat.runs
        guard own.allSatisfy({ $0.record.status.isTerminal }) else { throw StoreRefusal.chatIsBusy(chatID) }
        for run in own { forget(run) }
        for message in chat.messageIDs { messages[Key(principal, message.id)] = nil }
        chats[Key(principal, chatID)] = nil
        return true
    }

    private mutating func forget(_ run: RunEntry) {
        runs[Key(run.owner, run.record.responseID)] = nil
        run.isStored = false
        if let key = run.idempotencyKey { idempotencyKeys[Key(run.owner, key)] = nil }
        logBytes -= run.byteCount
    }

    // MARK: Retention

    /// Removes all that the cutoffs name, at once: there is nothing here that is worth doing in pieces.
    mutating func expire(_ cutoffs: RetentionCutoffs) -> RetentionProgress {
        var progress = RetentionProgress()
        idempotencyKeys = idempotencyKeys.filter { $0.value.key.expiresAt > cutoffs.now }
        var excess = cutoffs.maximumRuns.map { max(0, runs.count - $0) } ?? 0
        func remove(_ run: RunEntry) {
            forget(run)
            chats[Key(run.owner, run.record.chatID)]?.runs.removeAll { $0 === run }
            progress.runs += 1
        }
        let oldestFirst = runs.values.sorted { $0.number < $1.number }
        for run in oldestFirst where run.mayExpire {
            guard let ended = run.record.endedAt else { continue }
            let isTooMuch = excess > 0 || cutoffs.maximumBytes.map { logBytes > $0 } ?? false
            guard isTooMuch || cutoffs.runsEnded.map({ ended <= $0 }) ?? false else { continue }
            remove(run)
            excess = max(0, excess - 1)
        }
        if let most = cutoffs.maximumRunsPerOwner {
            var counts: [Principal: Int] = [:]
            for run in oldestFirst.reversed() where run.isStored {
                counts[run.owner, default: 0] += 1
                if counts[run.owner, default: 0] > most, run.mayExpire { remove(run) }
            }
        }
        guard let changed = cutoffs.chatsChanged else { return progress }
        for (key, entry) in chats where entry.chat.updatedAt <= changed {
            let newest = entry.chat.newestMessageID.flatMap { messages[Key(key.owner, $0)] }
            let before = runs.count
            guard newest?.status != .interrupted, (try? deleteChat(key.id, key.owner)) == true else { continue }
            progress.chats += 1
            progress.runs += before - runs.count
        }
        return progress
    }

    /// Takes files that no chat names away from their owners.
    mutating func expireContents(_ cutoffs: RetentionCutoffs, limit: Int) -> [ExpiredContent] {
        if let created = cutoffs.contentsCreated {
            let gone = contents.filter { content in
                content.record.createdAt <= created && !(contentUses[content.record.id] ?? []).contains { chats[$0] != nil }
            }.prefix(limit)
            expiredContents += gone.map { ExpiredContent(record: $0.record, principal: $0.owner) }
            let numbers = Set(gone.map(\.number))
            contents.removeAll { numbers.contains($0.number) }
        }
        return Array(expiredContents.prefix(limit))
    }

    mutating func withdrawContent(_ id: String, _ principal: Principal) -> ExpiredContent? {
        guard let place = contents.firstIndex(where: { $0.owner == principal && $0.record.id == id }) else { return nil }
        let withdrawn = ExpiredContent(record: contents.remove(at: place).record, principal: principal)
        expiredContents.append(withdrawn)
        return withdrawn
    }

    mutating func removeExpiredContent(_ id: String) {
        guard let place = expiredContents.firstIndex(where: { $0.record.id == id }) else { return }
        expiredContents.remove(at: place)
        contentUses[id] = nil
    }

    func hasExpired(run responseID: String, _ principal: Principal) -> Bool {
        runs[Key(principal, responseID)] == nil && messages[Key(principal, responseID)]?.role == .assistant
    }

    func path(in chatID: String, to parentID: String?, _ principal: Principal) throws(MillraceError) -> MessagePath? {
        guard let chat = chats[Key(principal, chatID)]?.chat else { return nil }
        var path: [Message] = []
        var next = parentID ?? chat.newestMessageID
        while let id = next {
            guard let message = messages[Key(principal, id)], message.chatID == chatID else { throw StoreRefusal.noParent(id) }
            path.append(message)
            next = message.parentID
        }
        return MessagePath(chat: chat, messages: path.reversed())
    }
}
