import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server for the people of this machine: it listens on 127.0.0.1 and nowhere else, lets in who `Door` lets in, and
/// asks a handler what to answer, on threads where that may block.
public final class LoopbackServer: Sendable {
  /// Where it listens.
  public let port: Int
  /// Its secret.
  public let token: String

  private let group: MultiThreadedEventLoopGroup
  private let threads: NIOThreadPool
  private let channel: any Channel
  private let listeners = Listeners()

  // More connections are closed at once.
  private static let mostConnections = 200

  /// The address for people.
  public var address: String { "http://127.0.0.1:\(port)/\(token)/" }

  /// Why it cannot listen.
  public struct Problem: Error, CustomStringConvertible {
    /// A sentence.
    public let description: String
  }

  /// Starts to listen. `port`: 0 for any that is free. `handler` is called on threads of its own, many at a time.
  ///
  /// Throws when the port is taken.
  public init(
    port: Int, token: String = Door.newToken(), handler: @escaping @Sendable (Request) -> Reply
  ) throws(Problem) {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let threads = NIOThreadPool(numberOfThreads: 4)
    threads.start()
    let listeners = listeners
    let door = Mutex<Door?>(nil)
    let bound = DoorBox(door)
    let connections = Connections(most: Self.mostConnections)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 64)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        guard connections.enter() else { return channel.close() }
        channel.closeFuture.whenComplete { _ in connections.leave() }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
          try channel.pipeline.syncOperations.addHandler(
            IdleStateHandler(readTimeout: nil, writeTimeout: nil, allTimeout: .seconds(120)))
          try channel.pipeline.syncOperations.addHandler(
            Conversation(door: bound, threads: threads, listeners: listeners, handler: handler))
        }
      }
    do {
      channel = try bootstrap.bind(host: "127.0.0.1", port: port).wait()
    } catch {
      try? group.syncShutdownGracefully()
      try? threads.syncShutdownGracefully()
      throw Problem(description: "cannot listen on 127.0.0.1:\(port): \(error)")
    }
    self.group = group
    self.threads = threads
    self.port = channel.localAddress?.port ?? port
    self.token = token
    bound.set(Door(port: self.port, token: token))
  }

  /// How many listen to events.
  public var listenerCount: Int { listeners.count }

  /// The channels that somebody listens to.
  public var channels: Set<String> { listeners.channels }

  /// Sends an event to all that listen to a channel. Never waits: who reads too slowly misses events, not the last one.
  public func broadcast(_ data: String, as event: String, to name: String) {
    listeners.send("event: \(event)\ndata: \(data)\n\n", to: name, event: event)
  }

  /// Blocks until the server is closed.
  public func wait() { try? channel.closeFuture.wait() }

  /// Stops to listen and lets go of everybody.
  public func close() {
    try? channel.close().wait()
    try? group.syncShutdownGracefully()
    try? threads.syncShutdownGracefully()
  }
}

/// The door, once the port is known.
final class DoorBox: Sendable {
  private let door: Mutex<Door?>

  init(_ door: consuming Mutex<Door?>) { self.door = door }

  func set(_ new: Door) { door.withLock { $0 = new } }

  var current: Door? { door.withLock { $0 } }
}

/// How many connections there are.
final class Connections: Sendable {
  private let most: Int
  private let count = Mutex(0)

  init(most: Int) { self.most = most }

  /// Counts one more; false when there are too many.
  func enter() -> Bool {
    count.withLock { count in
      if count >= most { return false }
      count += 1
      return true
    }
  }

  func leave() { count.withLock { $0 -= 1 } }
}
