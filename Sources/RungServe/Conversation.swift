import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection: reads heads of requests, asks the door, has the handler answer on a thread that may block.
final class Conversation: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let door: DoorBox
  private let threads: NIOThreadPool
  private let listeners: Listeners
  private let handler: @Sendable (Request) -> Reply
  private var head: HTTPRequestHead?

  init(
    door: DoorBox, threads: NIOThreadPool, listeners: Listeners, handler: @escaping @Sendable (Request) -> Reply
  ) {
    self.door = door
    self.threads = threads
    self.listeners = listeners
    self.handler = handler
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    // Nothing that is asked here has a body; what comes is not looked at.
    case .body: break
    case .end:
      guard let head else { return }
      self.head = nil
      answer(head, context)
    }
  }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    var headers: [String: [String]] = [:]
    for (name, value) in head.headers { headers[name.lowercased(), default: []].append(value) }
    let verdict = door.current?.judge(
      Door.Head(method: head.method.rawValue, target: head.uri, headers: headers))
    switch verdict {
    case nil: send(.text(503, "not ready yet"), head, context)
    case .refused(let status, let why): send(.text(status, why), head, context)
    case .welcome(let path, let query):
      let handler = handler
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      threads.runIfActive(eventLoop: context.eventLoop) { handler(Request(path: path, query: query)) }
        .whenComplete { result in
          let (conversation, context) = bound.value
          switch result {
          case .success(.answer(let answer)): conversation.send(answer, head, context)
          case .success(.events(let channel)): conversation.listen(to: channel, head, context)
          case .failure: conversation.send(.text(500, "the server is closing"), head, context)
          }
        }
    }
  }

  private static func common(_ policy: String?) -> HTTPHeaders {
    [
      "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
      "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
      "Cache-Control": "no-store",
      "Content-Security-Policy": policy ?? "default-src 'none'; sandbox; frame-ancestors 'none'",
    ]
  }

  private func send(_ answer: Answer, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard context.channel.isActive else { return }
    var headers = Self.common(answer.policy)
    headers.add(name: "Content-Type", value: answer.type)
    headers.add(name: "Content-Length", value: String(answer.body.count))
    if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
    let status = HTTPResponseStatus(statusCode: answer.status)
    context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
    if head.method != .HEAD {
      context.write(
        wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: answer.body)))), promise: nil)
    }
    let done = context.writeAndFlush(wrapOutboundOut(.end(nil)))
    if !head.isKeepAlive {
      let channel = context.channel
      done.whenComplete { _ in channel.close(promise: nil) }
    }
  }

  private func listen(to name: String, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard context.channel.isActive else { return }
    if head.method == .HEAD {
      send(Answer(type: "text/event-stream", body: []), head, context)
      return
    }
    var headers = Self.common(nil)
    headers.add(name: "Content-Type", value: "text/event-stream")
    // Ends with the connection; a browser that comes back asks anew.
    headers.add(name: "Connection", value: "close")
    context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: .ok, headers: headers))), promise: nil)
    let hello = context.channel.allocator.buffer(string: "retry: 1000\n\n")
    context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(hello))), promise: nil)
    let listeners = listeners
    let channel = context.channel
    channel.closeFuture.whenComplete { _ in listeners.remove(channel) }
    listeners.add(channel, to: name)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // Nobody has said or heard anything for two minutes; listeners hear something more often.
    if event is IdleStateHandler.IdleStateEvent {
      context.close(promise: nil)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
