import Millrace
import MillraceAWS
import MillraceCore
import MillraceServer

// The handler that `Docs/aws.md` shows; `DocumentTests` holds the two to each other.
struct OrdersHandler: TaskHandler {
    let name = "orders"
    let description = "Tells the state of an order"
    let table: DynamoDBClient

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        do {
            guard let order = try await table.getItem(["id": .string(request.text)], in: "orders") else {
                throw MillraceError(.notFound, "there is no order '\(request.text)'")
            }
            try await context.emit(.content("\(order["status"]?.string ?? "unknown")"))
        } catch let error as AWSServiceError {
            context.logger.error("DynamoDB refuses", ["error": .string(error.description)])
            throw MillraceError(.storageUnavailable, "the orders cannot be read now", cause: error, isRetryable: error.isRetryable)
        }
    }
}

func ordersServer(_ settings: ServerSettings) throws -> Server {
    let server = try Server(settings: settings) { registry, clients in
        var table: Availability<DynamoDBClient>
        do throws(MillraceError) { table = .available(try clients.aws.dynamoDB()) } catch {
            table = .missing(name: "DynamoDB", reason: error.message)
        }
        try registry.register("orders", requiring: table) { OrdersHandler(table: $0) }
    }
    return server
}
