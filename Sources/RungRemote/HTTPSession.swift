import Glibc
import RungCore
import RungWire

/// A started `rung-transfer`, with what is in its hands.
///
/// Safe to send: it is used by one thread at a time, the one that took it out of the pool.
final class HTTPSession: @unchecked Sendable {
  private let companion: Companion
  private let pipe: FramePipe
  private let settings: HTTPSettings
  private var counter: UInt32 = 0
  private var going: [UInt32: Going] = [:]
  private var later: [(at: Int64, work: any HTTPWork, attempt: Int)] = []
  // True once the server has done something.
  private var hasSucceeded = false

  /// Requests that are handed over before the first of them is answered: more than are made at once, so that the other
  /// side need not wait for us.
  private static let window = 32

  private struct Going {
    let work: any HTTPWork
    let method: TransferTalk.Method
    var attempt: Int
    // Bytes of the answer.
    var came = 0
    // This side has given up on it.
    var isCancelled = false
  }

  init(_ settings: HTTPSettings) throws(RemoteError) {
    self.settings = settings
    companion = try Companion(settings.program, [], variables: settings.variables)
    pipe = FramePipe(socket: companion.socket)
    var hello = WireWriter()
    hello.add(TransferTalk.version)
    for (setting, value) in settings.pairs {
      hello.add(setting.rawValue)
      hello.add(value)
    }
    let answer = try wired { () throws(WireError) in
      try pipe.send(TransferTalk.Ask.hello.rawValue, 0, hello.bytes)
      return try pipe.receive(patience: 20_000)
    }
    var body = WireReader(answer.body)
    guard answer.kind == TransferTalk.Answer.hello.rawValue, let version: UInt32 = body.number(),
      version == TransferTalk.version
    else {
      throw RemoteError(.local, "\(settings.program) is of another version than this program; install both together")
    }
  }

  /// Does everything that `next` gives, until it gives nothing more. Throws what makes the server useless; then the
  /// session is worth nothing any more.
  func run(_ next: () -> (any HTTPWork)?) throws(RemoteError) {
    var isAll = false
    while true {
      while !isAll, going.count + later.count < Self.window {
        guard let work = next() else {
          isAll = true
          break
        }
        try start(work, attempt: 1)
      }
      try startLater()
      if going.isEmpty, later.isEmpty {
        if isAll { return }
        continue
      }
      guard let frame = try receive() else { continue }
      try take(frame)
      // What has come together is worked off before more is asked for.
      while let frame = try wired({ () throws(WireError) in try pipe.received() }) { try take(frame) }
    }
  }

  private func start(_ work: any HTTPWork, attempt: Int) throws(RemoteError) {
    guard let request = work.request() else { return }
    counter &+= 1
    going[counter] = Going(work: work, method: request.method, attempt: attempt)
    var head = WireWriter()
    head.add(request.method.rawValue)
    head.add(request.size)
    head.add(request.most)
    head.add(request.from)
    head.add(request.path)
    try send(.start, counter, head.bytes, request.body)
  }

  private func startLater() throws(RemoteError) {
    guard !later.isEmpty else { return }
    let now = Self.now()
    let due = later.filter { $0.at <= now }
    later.removeAll { $0.at <= now }
    for item in due { try start(item.work, attempt: item.attempt) }
  }

  // The next frame; nil when it is time for something else.
  private func receive() throws(RemoteError) -> Frame? {
    let patience = later.map(\.at).min().map { max(1, Int32(clamping: $0 - Self.now())) } ?? -1
    do {
      return try pipe.receive(patience: patience)
    } catch {
      if error == .silent { return nil }
      throw trouble(error)
    }
  }

  private func take(_ frame: Frame) throws(RemoteError) {
    guard let answer = TransferTalk.Answer(rawValue: frame.kind) else { throw trouble(.nonsense) }
    guard var item = going[frame.request] else { return }
    var body = WireReader(frame.body)
    switch answer {
    case .hello: throw trouble(.nonsense)
    case .want:
      guard !item.isCancelled, let most: UInt32 = body.number() else { return }
      var problem: RemoteError?
      let goesOn = item.work.give(Int(most)) { bytes in
        do throws(RemoteError) { try send(.body, frame.request, [], bytes) } catch { problem = error }
      }
      if let problem { throw problem }
      if !goesOn { try cancel(frame.request) }
    case .data:
      guard !item.isCancelled, let status: UInt32 = body.number() else { return }
      let bytes = body.everything()
      item.came += bytes.count
      going[frame.request] = item
      if !item.work.take(bytes, status: Int(status)) { try cancel(frame.request) }
    case .over:
      guard let code: UInt32 = body.number(), let status: UInt32 = body.number(), let distrust: UInt32 = body.number(),
        let words = body.text()
      else { throw trouble(.nonsense) }
      going[frame.request] = nil
      if item.isCancelled { return }
      try finish(item, HTTPEnding(code: Int(code), status: Int(status), distrust: Int(distrust), words: words))
    }
  }

  private func finish(_ item: Going, _ ending: HTTPEnding) throws(RemoteError) {
    switch ending.verdict(item.method, settings) {
    case .done, .missing:
      hasSucceeded = true
      if item.work.done(isThere: ending.status != 404 && ending.status != 410) { try start(item.work, attempt: 1) }
    case .object(let error): item.work.failed(error)
    case .over(let error): throw error
    case .again(let error):
      // Who gets on may try for as long as it gets on.
      if ending.status == 416 { item.work.startOver() }
      let attempt = item.came >= 1 << 20 ? 1 : item.attempt
      if attempt < HTTPSettings.attempts {
        later.append((Self.now() + Int64(settings.backoff << (attempt - 1)), item.work, attempt + 1))
      } else if ending.code == 0, hasSucceeded {
        // A server that answers others has something against this one.
        item.work.failed(error)
      } else {
        throw error
      }
    }
  }

  private func cancel(_ request: UInt32) throws(RemoteError) {
    going[request]?.isCancelled = true
    try send(.cancel, request, [], [])
  }

  private func send(_ ask: TransferTalk.Ask, _ request: UInt32, _ head: [UInt8], _ rest: [UInt8]) throws(RemoteError) {
    try rest.withRaw { raw throws(RemoteError) in try send(ask, request, head, raw) }
  }

  private func send(
    _ ask: TransferTalk.Ask, _ request: UInt32, _ head: [UInt8], _ rest: UnsafeRawBufferPointer
  ) throws(RemoteError) {
    try wired { () throws(WireError) in try pipe.send(ask.rawValue, request, head, rest) }
  }

  private func wired<Result>(_ body: () throws(WireError) -> Result) throws(RemoteError) -> Result {
    do {
      return try body()
    } catch {
      throw trouble(error)
    }
  }

  private func trouble(_ error: WireError) -> RemoteError {
    let code = companion.finish(patience: 100)
    let words = companion.lastWords()
    return RemoteError(
      .local,
      "\(settings.program) ended before its work was done (\(error), code \(code)\(words.isEmpty ? "" : ": \(words)"))")
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
