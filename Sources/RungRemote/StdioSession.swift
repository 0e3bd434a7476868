import Glibc
import RungCore
import RungStore
import RungWire

/// A conversation with `rung serve-stdio`.
///
/// Safe to send: it is used by one thread at a time, the one that took it out of the pool.
final class StdioSession: @unchecked Sendable {
  private let companion: Companion
  private let pipe: FramePipe
  private let name: String
  private let patience: Int32
  private var counter: UInt32 = 0
  /// What was asked and not answered yet, in order, with the bytes that were sent.
  private(set) var pending: [(request: UInt32, digest: Digest, bytes: Int64)] = []
  /// False once something went wrong.
  private(set) var isSound = true

  init(_ companion: Companion, name: String, stall: Int32) throws(RemoteError) {
    self.companion = companion
    self.name = name
    patience = stall.multipliedReportingOverflow(by: 1000).overflow ? .max : stall * 1000
    // A socket whose other end takes nothing for that long is given up.
    var limit = timeval(tv_sec: Int(stall), tv_usec: 0)
    setsockopt(companion.socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    pipe = FramePipe(socket: companion.socket)
    var hello = WireWriter()
    hello.add(StdioTalk.mark)
    hello.add(StdioTalk.version)
    // Somebody may have to type a password first.
    let answer = try wired { () throws(WireError) in
      try pipe.send(StdioTalk.Ask.hello.rawValue, 0, hello.bytes)
      return try pipe.receive(patience: isatty(0) == 0 ? patience : max(patience, 120_000))
    }
    var body = WireReader(answer.body)
    guard answer.kind == StdioTalk.Answer.hello.rawValue, body.text() == StdioTalk.mark else {
      throw trouble(.nonsense)
    }
    guard let version: UInt32 = body.number(), version == StdioTalk.version else {
      throw RemoteError(.strange, "\(name) speaks for another version of rung; install the same one at both ends")
    }
  }

  /// True when the other end still answers.
  func answers() -> Bool {
    do throws(RemoteError) {
      return try ask(.hello, []) { $0 == .hello }
    } catch {
      return false
    }
  }

  /// Which of these objects are there.
  func which(_ objects: [Digest]) throws(RemoteError) -> Set<Digest> {
    var found = Set<Digest>()
    for start in stride(from: 0, to: objects.count, by: 1000) {
      let batch = objects[start..<min(start + 1000, objects.count)]
      var marks: [UInt8] = []
      let isAnswered = try ask(.has, batch.flatMap(\.bytes)) { answer, body in
        marks = Array(body)
        return answer == .which
      }
      guard isAnswered, marks.count == batch.count else { throw trouble(.nonsense) }
      for (digest, mark) in zip(batch, marks) where mark == 1 { found.insert(digest) }
    }
    return found
  }

  /// Makes everything that was sent durable there.
  func flush() throws(RemoteError) {
    // As long as it may take a slow disk to write what a fast network has brought.
    let long = patience.multipliedReportingOverflow(by: 20)
    guard try ask(.flush, [], patience: long.overflow ? .max : long.partialValue, { $0 == .done }) else {
      throw trouble(.nonsense)
    }
  }

  /// Asks for something about a digest, to be answered later.
  func ask(_ ask: StdioTalk.Ask, _ digest: Digest) throws(RemoteError) {
    try send(ask, next(), digest.bytes)
    pending.append((counter, digest, 0))
  }

  /// Sends an object; how that ended is found by `settle`.
  func put(_ digest: Digest, from store: ObjectStore, _ tally: Tally) throws(RemoteError) {
    let reader: ObjectReader
    switch Result(catching: { () throws(StoreError) in try store.reader(digest) }) {
    case .success(let found): reader = found
    case .failure(let error): return tally.failed(digest, store: error)
    }
    let request = next()
    var head = WireWriter()
    head.add(reader.size)
    try send(.put, request, digest.bytes + head.bytes)
    pending.append((request, digest, reader.size))
    while true {
      switch Result(catching: { () throws(StoreError) in try reader.piece() }) {
      case .failure(let error):
        pending.removeAll { $0.request == request }
        try send(.cancel, request)
        return tally.failed(digest, store: error)
      case .success(let piece):
        if piece.isEmpty { return try send(.end, request) }
        var rest = piece
        while !rest.isEmpty {
          let count = min(rest.count, 256 << 10)
          let bytes = UnsafeRawBufferPointer(rebasing: rest[..<count])
          try wired { () throws(WireError) in try pipe.send(StdioTalk.Ask.data.rawValue, request, [], bytes) }
          tally.went(count)
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        // Of a long one it may be known before its end that it is not taken.
        if reader.size > 4 << 20 {
          while try hasAnswer() { try settle(tally) }
          if !pending.contains(where: { $0.request == request }) { return try send(.cancel, request) }
        }
      }
    }
  }

  /// Waits for the end of what was sent first.
  func settle(_ tally: Tally) throws(RemoteError) {
    let (answer, request, body) = try receive(patience)
    guard let index = pending.firstIndex(where: { $0.request == request }) else {
      // Of one that was given up here meanwhile.
      if answer == .failed { return }
      throw trouble(.nonsense)
    }
    let item = pending.remove(at: index)
    switch answer {
    case .done: tally.moved(item.bytes)
    case .failed:
      let error = failure(body)
      if error.kind == .damaged || error.kind == .strange { tally.failed(item.digest, error) } else { throw error }
    default: throw trouble(.nonsense)
    }
  }

  /// Takes the object that was asked for first.
  func fetch(into store: ObjectStore, _ tally: Tally) throws(RemoteError) {
    guard let item = pending.first else { return }
    pending.removeFirst()
    let writer: ObjectWriter
    switch Result(catching: { () throws(StoreError) in try store.writer(item.digest) }) {
    case .success(let begun): writer = begun
    case .failure(let error):
      isSound = false
      return tally.failed(item.digest, store: error)
    }
    var problem: StoreError?
    let end = try take(item.request) { bytes in
      tally.went(bytes.count)
      if problem != nil { return }
      if case .failure(let error) = Result(catching: { () throws(StoreError) in try writer.append(bytes) }) {
        problem = error
      }
    }
    if let problem { return tally.failed(item.digest, store: problem) }
    switch end {
    case .missing:
      tally.failed(item.digest, RemoteError(.missing, "the remote \(name) has no object \(item.digest.hex)"))
    case .failed(let error): tally.failed(item.digest, error)
    case .whole:
      switch Result(catching: { () throws(StoreError) in try writer.finish() }) {
      case .success: tally.put(writer.count, into: store)
      case .failure(let error):
        guard error.code == .damaged else { return tally.failed(item.digest, store: error) }
        tally.failed(
          item.digest,
          RemoteError(.damaged, "the remote \(name) sent other bytes under the name of object \(item.digest.hex)"))
      }
    }
  }

  /// What is kept under a key.
  func result(_ key: Digest) throws(RemoteError) -> [UInt8]? {
    let request = next()
    try send(.result, request, key.bytes)
    var bytes: [UInt8] = []
    switch try take(request, most: RemoteLimits.result, { bytes += $0 }) {
    case .whole: return bytes
    case .missing: return nil
    case .failed(let error): throw error
    }
  }

  /// Keeps bytes under a key.
  func putResult(_ bytes: [UInt8], _ key: Digest) throws(RemoteError) {
    let request = next()
    var head = WireWriter()
    head.add(Int64(bytes.count))
    try send(.putResult, request, key.bytes + head.bytes)
    for start in stride(from: 0, to: bytes.count, by: 256 << 10) {
      try send(.data, request, Array(bytes[start..<min(start + 256 << 10, bytes.count)]))
    }
    try send(.end, request)
    let (answer, about, body) = try receive(patience)
    guard about == request else { throw trouble(.nonsense) }
    if answer == .failed { throw failure(body) }
    guard answer == .done else { throw trouble(.nonsense) }
  }

  private enum End {
    case whole
    case missing
    case failed(RemoteError)
  }

  // The bytes of an answer. More or fewer than were announced are nonsense.
  private func take(
    _ request: UInt32, most: Int64 = .max, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(RemoteError) -> End {
    var size: Int64 = -1
    var came: Int64 = 0
    while true {
      let (answer, about, bytes) = try receive(patience)
      guard about == request else { throw trouble(.nonsense) }
      switch answer {
      case .missing where size < 0: return .missing
      case .failed: return .failed(failure(bytes))
      case .begin where size < 0:
        var reader = WireReader(bytes)
        guard let announced: Int64 = reader.number(), announced >= 0, announced <= most else {
          throw trouble(.nonsense)
        }
        size = announced
      case .data where size >= 0:
        came += Int64(bytes.count)
        guard came <= size else { throw trouble(.nonsense) }
        body(bytes)
      case .done where came == size: return .whole
      default: throw trouble(.nonsense)
      }
    }
  }

  private func ask(
    _ ask: StdioTalk.Ask, _ body: [UInt8], patience: Int32? = nil, _ isRight: (StdioTalk.Answer) -> Bool
  ) throws(RemoteError) -> Bool {
    try self.ask(ask, body, patience: patience) { answer, _ in isRight(answer) }
  }

  private func ask(
    _ ask: StdioTalk.Ask, _ body: [UInt8], patience: Int32? = nil,
    _ isRight: (StdioTalk.Answer, UnsafeRawBufferPointer) -> Bool
  ) throws(RemoteError) -> Bool {
    let request = next()
    try send(ask, request, body)
    let (answer, about, bytes) = try receive(patience ?? self.patience)
    if answer == .failed { throw failure(bytes) }
    return about == request && isRight(answer, bytes)
  }

  private func next() -> UInt32 {
    counter &+= 1
    return counter
  }

  private func send(_ ask: StdioTalk.Ask, _ request: UInt32, _ body: [UInt8] = []) throws(RemoteError) {
    try wired { () throws(WireError) in try pipe.send(ask.rawValue, request, body) }
  }

  // True when an answer has begun to come.
  private func hasAnswer() throws(RemoteError) -> Bool {
    try wired { () throws(WireError) in try pipe.flush() }
    var waiting = pollfd(fd: companion.socket, events: Int16(POLLIN), revents: 0)
    return pipe.hasFrame || poll(&waiting, 1, 0) > 0
  }

  private func receive(
    _ patience: Int32
  ) throws(RemoteError) -> (StdioTalk.Answer, UInt32, UnsafeRawBufferPointer) {
    let frame = try wired { () throws(WireError) in try pipe.receive(patience: patience) }
    guard let answer = StdioTalk.Answer(rawValue: frame.kind) else { throw trouble(.nonsense) }
    return (answer, frame.request, frame.body)
  }

  private func failure(_ body: UnsafeRawBufferPointer) -> RemoteError {
    var body = WireReader(body)
    let kind = body.number(UInt8.self).flatMap { StdioTalk.Failure(rawValue: $0) }
    let sentence = "\(name): \((body.text() ?? "it failed").prefix(1000).filter { !$0.isNewline })"
    switch kind {
    case .damaged: return RemoteError(.damaged, sentence)
    case .full: return RemoteError(.full, sentence)
    case .forbidden: return RemoteError(.forbidden, sentence)
    case .other, nil: return RemoteError(.strange, sentence)
    }
  }

  private func wired<Result>(_ body: () throws(WireError) -> Result) throws(RemoteError) -> Result {
    do {
      return try body()
    } catch {
      throw trouble(error)
    }
  }

  private func trouble(_ error: WireError) -> RemoteError {
    isSound = false
    if error == .silent {
      return RemoteError(.unreachable, "\(name) stopped answering: nothing came for \(patience / 1000) s")
    }
    let code = companion.finish(patience: 1000)
    let words = companion.lastWords()
    let said = words.isEmpty ? "" : ": \(words)"
    if words.contains("Permission denied") { return RemoteError(.forbidden, "\(name) lets nobody in\(said)") }
    if words.contains("Host key verification failed") { return RemoteError(.untrusted, "\(name) is not known\(said)") }
    if code == 127 {
      return RemoteError(
        .strange, "there is no program rung at \(name)\(said); RUNG_SSH_RUNG says how it is called there")
    }
    if error == .nonsense {
      return RemoteError(.strange, "\(name) does not speak as rung does: does a shell there print something?\(said)")
    }
    return RemoteError(.unreachable, "the connection to \(name) ended\(said)")
  }
}
