/// What a browser asks for, as far as a handler needs to know.
public struct Request: Sendable {
  /// The path below the token, decoded and without a leading `/`; empty for the front page. Never has `..` in it.
  public let path: String
  /// What comes after `?`, decoded, by name.
  public let query: [String: String]
}

/// What it gets.
public struct Answer: Sendable {
  /// 200, 404, …
  public var status: Int
  /// `text/html; charset=utf-8`, …
  public var type: String
  /// The content.
  public var body: [UInt8]
  /// The policy that the browser is told to follow with it.
  public var policy: String?

  /// An answer.
  public init(status: Int = 200, type: String, body: [UInt8], policy: String? = nil) {
    self.status = status
    self.type = type
    self.body = body
    self.policy = policy
  }

  /// A sentence.
  public static func text(_ status: Int, _ words: String) -> Answer {
    Answer(status: status, type: "text/plain; charset=utf-8", body: Array((words + "\n").utf8))
  }
}

/// How a request is to be met.
public enum Reply: Sendable {
  /// With this.
  case answer(Answer)
  /// With server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), for as long as the browser
  /// listens: what is broadcast to this channel.
  case events(channel: String)
}
