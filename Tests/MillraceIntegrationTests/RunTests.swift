import Glibc
import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// How runs begin and end, whatever their handlers do.
    @Suite struct RunTests {
        /// Says one word a permit, forever, and notes how it ended.
        private static func talker(_ gate: StepGate, _ notes: Notes, options: TaskHandlerOptions = TaskHandlerOptions()) -> ScriptedTask {
            ScriptedTask("talker", options: options) { request, context in
                notes.note("started")
                do {
                    while true {
                        try await gate.pass()
                        try await context.emit(.content(request.text))
                    }
                } catch {
                    notes.note(error is CancellationError && Task.isCancelled ? "cancelled" : "\(error)")
                    throw error
                }
            }
        }

        // MARK: Cancel and detach

        @Test func cancel_stopsTheHandlerAndEndsTheRunCancelled() async throws {
            let (gate, notes) = (StepGate(), Notes())
            try await withServer([Self.talker(gate, notes)]) { server in
                let reader = try server.start("talker", text: "word")
                gate.open(2)
                let id = try #require(try reader.next(3).last).responseID
                let answer = try server.ask("POST", "/api/v1/runs/\(id)/cancel")
                #expect(answer.status == 202)
                #expect(answer.json["response_id"] == .string(id))
                let rest = try reader.rest()
                #expect(rest.map(\.event) == ["response_end"])
                #expect(rest.last?.json["status"] == "cancelled")
                #expect(notes.wait("cancelled"))
                #expect(notes.all == ["started", "cancelled"])
                #expect(try server.ask("GET", "/api/v1/runs/\(id)").json["status"] == "cancelled")
                // Once more changes nothing.
                let again = try server.ask("POST", "/api/v1/runs/\(id)/cancel")
                #expect(again.status == 200)
                #expect(again.json["status"] == "cancelled")
            }
        }

        @Test func handlerIgnoresTheCancel_runEndsWithoutItAfterTheGrace() async throws {
            let gate = StepGate()
            let stubborn = ScriptedTask("stubborn") { _, context in
                while true {
                    do { try await gate.pass() } catch { break }
                }
                // It goes on although it was told to stop, and its word is not taken any more.
                await withCheckedContinuation { continuation in
                    Task.detached {
                        _ = try? await gate.pass(); continuation.resume()
                    }
                }
                try? await context.emit(.content("too late"))
            }
            try await withServer([stubborn], configure: { $0.runs.cancelGraceSeconds = 0.05 }) { server in
                let reader = try server.start("stubborn")
                let id = try #require(try reader.next()).responseID
                #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                #expect(try reader.rest().map { $0.json["status"] } == ["cancelled"])
                #expect(server.log.waitForLine("handler does not stop", "handler=stubborn") != nil)
                gate.open(2)
                #expect(try server.log(of: id).map(\.event) == ["response_start", "response_end"])
            }
        }

        @Test func readerDisconnects_runGoesOnAndItsLogIsWhole() async throws {
            let gate = StepGate()
            let counter = ScriptedTask("counter") { _, context in
                for number in 1...5 {
                    try await gate.pass()
                    try await context.emit(.content("\(number)"))
                }
            }
            try await withServer([counter]) { server in
                let reader = try server.start("counter")
                let id = try #require(try reader.next()).responseID
                reader.close()
                #expect(
                    server.log.waitForLine("path=/api/v1/generate/stream", "complete=false") != nil, "the server has not seen the close")
                #expect(try server.ask("GET", "/api/v1/runs/\(id)").json["status"] == "running")
                gate.open(5)
                let log = try server.log(of: id)
                #expect(log.filter { $0.event == "content" }.map(\.content) == ["1", "2", "3", "4", "5"])
                #expect(log.last?.json["status"] == "completed")
            }
        }

        @Test(arguments: [1, 3])
        func lastReaderLeavesADetachCancelRun_itIsCancelledAfterTheGrace(loops: Int) async throws {
            let (gate, notes) = (StepGate(), Notes())
            let options = TaskHandlerOptions(detach: .cancel(graceSeconds: 0.05))
            try await withServer([Self.talker(gate, notes, options: options)], configure: { $0.loops = loops }) { server in
                let reader = try server.start("talker", text: "word")
                let id = try #require(try reader.next()).responseID
                let others = try (0..<4).map { _ in try server.follow(id) }
                reader.close()
                // While others read, perhaps on other loops, it goes on.
                gate.open(2)
                for other in others { #expect(try other.next(3).map(\.event) == ["response_start", "content", "content"]) }
                for other in others { other.close() }
                #expect(notes.wait("cancelled"))
                let log = try server.log(of: id)
                #expect(log.last?.json["status"] == "cancelled")
            }
        }

        @Test func readerComesBackWithinTheGrace_detachCancelRunGoesOn() async throws {
            let (gate, notes) = (StepGate(), Notes())
            let options = TaskHandlerOptions(detach: .cancel(graceSeconds: 30))
            try await withServer([Self.talker(gate, notes, options: options)]) { server in
                let reader = try server.start("talker", text: "word")
                let first = try #require(try reader.next())
                reader.close()
                #expect(server.log.waitForLine("path=/api/v1/generate/stream", "complete=false") != nil)
                let second = try server.follow(first.responseID, lastEventID: first.id)
                gate.open()
                #expect(try second.next()?.content == "word")
                #expect(notes.all == ["started"])
                #expect(try server.ask("POST", "/api/v1/runs/\(first.responseID)/cancel").status == 202)
                _ = try second.rest()
            }
        }

        // MARK: Idempotency and limits

        @Test func sameKeyAndBody_attachWhileRunningAndAfterTheEnd_anotherBodyIs422() async throws {
            let (gate, notes) = (StepGate(), Notes())
            let once = ScriptedTask("once") { _, context in
                notes.note("started")
                try await gate.pass()
                try await context.emit(.content("done"))
            }
            try await withServer([once]) { server in
                let key = ["Idempotency-Key: \"k-1\""]
                let port = server.port
                // All at once: the run cannot end before every one of them has its first event.
                let running = try await concurrently(20) { _ in
                    let reader = try EventStreamClient.start(port: port, task: "once", text: "x", headers: key)
                    let first = try reader.next()
                    notes.note("attached")
                    if notes.all.count(where: { $0 == "attached" }) == 20 { gate.open() }
                    return [first].compactMap { $0 } + (try reader.rest())
                }
                #expect(notes.all.count { $0 == "started" } == 1)
                let whole = running[0]
                #expect(whole.map(\.event) == ["response_start", "content", "response_end"])
                for log in running { #expect(log == whole) }
                let after = try server.start("once", text: "x", headers: key)
                #expect(try after.rest() == whole)
                // The quotes around a key are not part of it.
                let unquoted = try server.start("once", text: "x", headers: ["Idempotency-Key: k-1"])
                #expect(try unquoted.rest() == whole)

                let other = try server.ask(
                    "POST", "/api/v1/generate/stream", headers: key, body: EventStreamClient.generateBody(task: "once", text: "y"))
                #expect(other.status == 422)
                #expect(other.json["errors"]?[0]?["field"] == "Idempotency-Key")
                #expect(notes.all.count { $0 == "started" } == 1)
                #expect(try server.ask("GET", "/api/v1/runs").json["items"]?.array?.count == 1)
                // `invoke` with the same key answers for the same run.
                let invoked = try server.ask(
                    "POST", "/api/v1/generate/invoke", headers: key, body: EventStreamClient.generateBody(task: "once", text: "x"))
                #expect(invoked.json["message_id"] == .string(whole[0].responseID))
            }
        }

        @Test func ownerHasTooManyRuns_gets429WithRetryAfter_untilOneEnds() async throws {
            let (gate, notes) = (StepGate(), Notes())
            try await withServer([Self.talker(gate, notes)], configure: { $0.runs.maxConcurrentRunsPerOwner = 2 }) { server in
                let readers = try (0..<2).map { _ in try server.start("talker") }
                let id = try #require(try readers[0].next()).responseID
                let refused = try server.ask(
                    "POST", "/api/v1/generate/stream", body: EventStreamClient.generateBody(task: "talker", text: "x"))
                #expect(refused.status == 429)
                #expect(refused["retry-after"].flatMap { Int($0) } != nil)
                #expect(refused["content-type"] == "application/problem+json")
                #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                _ = try readers[0].rest()
                let next = try server.start("talker")
                #expect(try next.next()?.event == "response_start")
                next.close()
            }
        }

        @Test func runTakesTooLong_endsWithATimeout() async throws {
            let (gate, notes) = (StepGate(), Notes())
            let options = TaskHandlerOptions(longestRunSeconds: 0.1)
            try await withServer([Self.talker(gate, notes, options: options)]) { server in
                let log = try server.start("talker").rest()
                #expect(log.map(\.event) == ["response_start", "error", "response_end"])
                #expect(log[1].json["error_type"] == "timeout")
                #expect(log[2].json["status"] == "error")
                #expect(notes.wait("cancelled"))
            }
        }

        // MARK: What handlers do

        @Test func handlerThrows_endsWithAnErrorThatTellsNoSecrets() async throws {
            struct Foreign: Error { let secret = "hunter2" }
            let known = ScriptedTask("known") { _, context in
                try await context.emit(.content("so far"))
                throw MillraceError(.modelError, "the model is tired", details: ["retry_in": 5])
            }
            let foreign = ScriptedTask("foreign") { _, _ in throw Foreign() }
            let wrapped = ScriptedTask("wrapped") { _, _ in throw MillraceError(.system, "it broke", cause: Foreign()) }
            try await withServer([known, foreign, wrapped]) { server in
                let first = try server.start("known").rest()
                #expect(first.map(\.event) == ["response_start", "content", "error", "response_end"])
                #expect(first[2].json["error_type"] == "model_error")
                #expect(first[2].json["message"] == "the model is tired")
                #expect(first[2].json["details"]?["retry_in"] == 5)
                #expect(first[2].json["status"] == 502)
                #expect(first[3].json["status"] == "error")

                let second = try server.start("foreign").rest()
                #expect(second.map(\.event) == ["response_start", "error", "response_end"])
                #expect(second[1].json["error_type"] == "handler_error")
                let third = try server.start("wrapped").rest()
                #expect(third[1].json["message"] == "it broke")
                for event in second + third { #expect(!event.data.contains("hunter2")) }
                #expect(server.log.waitForLine("run failed", "handler=foreign", "hunter2") != nil, "the log must have the cause")
            }
        }

        @Test func handlerReturnsAtOnce_runIsCompleteAndUsageUnknownIsNull() async throws {
            try await withServer([ScriptedTask("silent") { _, _ in }]) { server in
                let log = try server.start("silent").rest()
                #expect(log.map(\.event) == ["response_start", "response_end"])
                #expect(log[1].json["status"] == "completed")
                #expect(log[1].json["usage"]?["prompt_tokens"] == .null)
                #expect(log[1].json["usage"]?["total_tokens"] == .null)
            }
        }

        @Test func handlerEmitsAfterTheEnd_isRefusedAndNothingIsAppended() async throws {
            let (gate, notes) = (StepGate(), Notes())
            let leaving = ScriptedTask("leaving") { _, context in
                try await context.emit(.content("in time"))
                Task.detached {
                    _ = try? await gate.pass()
                    do {
                        try await context.emit(.content("after the end"))
                        notes.note("taken")
                    } catch {
                        notes.note("refused")
                    }
                }
            }
            try await withServer([leaving]) { server in
                let log = try server.start("leaving").rest()
                gate.open()
                #expect(notes.wait("refused"))
                #expect(try server.log(of: log[0].responseID) == log)
                #expect(log.map(\.event) == ["response_start", "content", "response_end"])
            }
        }

        @Test func handlerEmitsFromManyTasksAndThreads_everyEventIsThereOnce() async throws {
            let spread = ScriptedTask("spread") { _, context in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 0..<4 {
                        group.addTask { for number in 0..<50 { try await context.emit(.content("g\(task).\(number) ")) } }
                    }
                    try await group.waitForAll()
                }
                let detached = (0..<4).map { task in
                    Task.detached { for number in 0..<50 { try await context.emit(.content("d\(task).\(number) ")) } }
                }
                for task in detached { try await task.value }
            }
            try await withServer([spread]) { server in
                let log = try server.start("spread").rest()
                #expect(log.map(\.sequence) == Array(1...402))
                let words = log.filter { $0.event == "content" }.map(\.content)
                #expect(Set(words).count == 400)
                // Each task's own events stand in its order.
                for task in ["g0.", "g3.", "d0.", "d3."] {
                    #expect(words.filter { $0.hasPrefix(task) } == (0..<50).map { "\(task)\($0) " })
                }
            }
        }

        @Test func eventIsTooLargeOrOfAReservedKind_isRefused_andTheRunGoesOn() async throws {
            let notes = Notes()
            let careless = ScriptedTask("careless") { _, context in
                do { try await context.emit(.content(String(repeating: "x", count: 5000))) } catch {
                    notes.note("\((error as? MillraceError)?.code.rawValue ?? "")")
                }
                do { try await context.emit(.custom(.responseEnd, [:])) } catch {
                    notes.note("\((error as? MillraceError)?.code.rawValue ?? "")")
                }
                try await context.emit(.content("small"))
            }
            try await withServer([careless], configure: { $0.runs.eventBytes = 4096 }) { server in
                let log = try server.start("careless").rest()
                #expect(log.map(\.event) == ["response_start", "content", "response_end"])
                #expect(log.map(\.sequence) == [1, 2, 3])
                #expect(log[2].json["status"] == "completed")
                #expect(notes.all == ["limit_exceeded", "invalid_input"])
            }
        }

        @Test(arguments: [":memory:", "disk"])
        func hundredThousandEvents_arriveInOrder(data: String) async throws {
            let many = ScriptedTask("many") { _, context in for number in 1...100_000 { try await context.emit(.content("\(number)")) } }
            let directory = try TemporaryDirectory()
            try await withServer([many], configure: { if data == "disk" { $0.dataDirectory = directory.path } }) { server in
                let reader = try server.start("many")
                var last = 0
                var inOrder = true
                while let message = try reader.next() {
                    if message.id.hasSuffix(":\(last + 1)") { last += 1 } else { inOrder = false }
                }
                #expect(inOrder)
                #expect(last == 100_002)
                #expect(reader.isWhole)
            }
        }

        @Test func handlerBlocksItsLoop_isNamedInTheLog() async throws {
            let blocking = ScriptedTask("blocking_one") { _, context in
                var time = timespec(tv_sec: 0, tv_nsec: 120_000_000)
                nanosleep(&time, nil)  // What a careless handler does.
                try await context.emit(.content("sorry"))
            }
            try await withServer([blocking], configure: { $0.loopBlockWarningMilliseconds = 20 }) { server in
                let log = try server.start("blocking_one").rest()
                #expect(log.last?.json["status"] == "completed")
                #expect(server.log.waitForLine("its event loop", "handler=blocking_one") != nil)
            }
        }

        @Test func streamIsSilent_getsKeepAliveComments_whichAreNoEvents() async throws {
            let (gate, notes) = (StepGate(), Notes())
            try await withServer([Self.talker(gate, notes)], configure: { $0.runs.keepAliveSeconds = 0.1 }) { server in
                let reader = try server.start("talker", text: "word")
                #expect(reader.answer["cache-control"] == "no-cache, no-transform")
                #expect(reader.answer["x-accel-buffering"] == "no")
                #expect(reader.answer["x-request-id"] != nil)
                let id = try #require(try reader.next()).responseID
                #expect(String(decoding: reader.bytes, as: UTF8.self).hasPrefix("retry: 2000\nevent: response_start\n"))
                while reader.comments < 2 { guard try reader.receiveMore() else { break } }
                #expect(reader.comments >= 2)
                #expect(String(decoding: reader.bytes, as: UTF8.self).contains("\n: keep-alive\n\n"))
                gate.open()
                let word = try #require(try reader.next())
                #expect(word.sequence == 2, "a comment takes no number")
                #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                #expect(try reader.rest().map(\.sequence) == [3])
                #expect(try server.log(of: id).count == 3)
            }
        }

        @Test func invoke_answersTheStoredMessage() async throws {
            let answering = ScriptedTask("answering") { request, context in
                try await context.emit(.status("working", message: "…"))
                try await context.emit(.content("You said "))
                try await context.emit(.content(request.text))
                try await context.emit(.metadata(["k": 1]))
                context.report(Usage(promptTokens: 3, completionTokens: 4))
            }
            try await withServer([answering]) { server in
                let body = #"{"task":"answering","chat_id":"c_1","parts":[{"content":"hello"}]}"#
                let answer = try server.ask("POST", "/api/v1/generate/invoke", body: body)
                #expect(answer.status == 200)
                #expect(answer.json["chat_id"] == "c_1")
                #expect(answer.json["status"] == "completed")
                #expect(answer.json["parts"]?[0]?["content"] == "You said hello")
                #expect(answer.json["usage"]?["total_tokens"] == 7)
                #expect(answer.json["metadata"]?["k"] == 1)
                let messages = try server.ask("GET", "/api/v1/chats/c_1/messages").json["items"]?.array ?? []
                #expect(messages.map { $0["role"] } == ["user", "assistant"])
                #expect(messages.last?["message_id"] == answer.json["message_id"])
                #expect(messages.last?["parent_id"] == messages.first?["message_id"])
            }
        }
    }
}
