import Glibc
import RungCore
import RungStore
import RungWire

/// The other end of ssh: gives what a cache holds, and takes what is sent to it, in the words of `StdioTalk`.
///
/// Nothing that comes is believed: lengths are bounded, digests are checked, and what is no frame ends the conversation.
/// For one thread.
public final class StdioServer {
  private let store: ObjectStore
  private let results: DirectoryRemote
  private let pipe: FramePipe
  private var incoming: Incoming?
  private var newBytes: Int64 = 0
  private var newObjects = 0

  // What is being put. Without a target the bytes are passed over: the put has failed already.
  private struct Incoming {
    enum Target {
      case object(ObjectWriter)
      case result(Digest, [UInt8])
      case nowhere
    }
    let request: UInt32
    let size: Int64
    var came: Int64 = 0
    var target: Target
  }

  /// Opens the cache in a folder, which must be there. Throws what is wrong with it.
  public init(cache: String, input: Int32, output: Int32) throws(RemoteError) {
    var status = stat()
    guard stat(cache, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw RemoteError(.unreachable, "there is no folder \(cache); make it with `mkdir` if it is to be a new cache")
    }
    do {
      store = try ObjectStore(path: cache)
    } catch {
      throw RemoteError(.local, error.message)
    }
    mkdir("\(cache)/results", 0o777)
    results = DirectoryRemote("\(cache)/results")
    pipe = FramePipe(input: input, output: output)
  }

  /// Answers until the input ends. Throws `strange` when what comes is nonsense.
  public func serve() throws(RemoteError) {
    do throws(WireError) {
      try greet()
      while true {
        let frame = try pipe.receive()
        try answer(frame)
      }
    } catch {
      incoming = nil
      do throws(StoreError) { try store.flush() } catch { throw RemoteError(.local, error.message) }
      if error == .closed { return }
      throw RemoteError(.strange, "the conversation is no conversation any more (\(error))")
    }
  }

  private func greet() throws(WireError) {
    let frame = try pipe.receive()
    var body = WireReader(frame.body)
    guard frame.kind == StdioTalk.Ask.hello.rawValue, body.text() == StdioTalk.mark else { throw .nonsense }
    var answer = WireWriter()
    answer.add(StdioTalk.mark)
    answer.add(StdioTalk.version)
    try pipe.send(StdioTalk.Answer.hello.rawValue, frame.request, answer.bytes)
    guard let version: UInt32 = body.number(), version == StdioTalk.version else {
      try pipe.flush()
      throw .nonsense
    }
  }

  private func answer(_ frame: Frame) throws(WireError) {
    var body = WireReader(frame.body)
    let request = frame.request
    guard let ask = StdioTalk.Ask(rawValue: frame.kind) else { throw .nonsense }
    switch ask {
    case .hello: try reply(.hello, request)
    case .data, .end, .cancel: try take(ask, frame)
    // Nothing else comes between a put and its end.
    case _ where incoming != nil: throw .nonsense
    case .has:
      let count = frame.body.count / Digest.byteCount
      guard count <= StdioTalk.mostDigests, count * Digest.byteCount == frame.body.count else { throw .nonsense }
      var found: [UInt8] = []
      while let digest = body.digest() { found.append(store.contains(digest) ? 1 : 0) }
      try reply(.which, request, found)
    case .get:
      guard let digest = body.digest() else { throw .nonsense }
      try give(digest, request)
    case .put:
      guard let digest = body.digest(), let size: Int64 = body.number(), size >= 0 else { throw .nonsense }
      switch Result(catching: { () throws(StoreError) in try store.writer(digest) }) {
      case .success(let writer): incoming = Incoming(request: request, size: size, target: .object(writer))
      case .failure(let error):
        incoming = Incoming(request: request, size: size, target: .nowhere)
        try fail(request, error)
      }
    case .result:
      guard let key = body.digest() else { throw .nonsense }
      switch Result(catching: { () throws(RemoteError) in try results.result(key) }) {
      case .success(nil): try reply(.missing, request)
      case .success(let bytes?):
        try begin(Int64(bytes.count), request)
        try bytes.withRaw { raw throws(WireError) in try send(raw, request) }
        try reply(.done, request)
      case .failure(let error): try fail(request, error)
      }
    case .putResult:
      guard let key = body.digest(), let size: Int64 = body.number(), size >= 0, size <= RemoteLimits.result else {
        throw .nonsense
      }
      incoming = Incoming(request: request, size: size, target: .result(key, []))
    case .flush:
      switch Result(catching: { () throws(StoreError) in try store.flush() }) {
      case .success: try reply(.done, request)
      case .failure(let error): try fail(request, error)
      }
    }
  }

  private func give(_ digest: Digest, _ request: UInt32) throws(WireError) {
    switch Result(catching: { () throws(StoreError) in try store.reader(digest) }) {
    case .failure(let error): try error.code == .missing ? reply(.missing, request) : fail(request, error)
    case .success(let reader):
      try begin(reader.size, request)
      while true {
        switch Result(catching: { () throws(StoreError) in try reader.piece() }) {
        case .failure(let error): return try fail(request, error)
        case .success(let piece):
          if piece.isEmpty { return try reply(.done, request) }
          try send(piece, request)
        }
      }
    }
  }

  // Bytes of what is put, and its end.
  private func take(_ ask: StdioTalk.Ask, _ frame: Frame) throws(WireError) {
    guard var incoming, incoming.request == frame.request else { throw .nonsense }
    self.incoming = nil
    if ask == .cancel { return }
    if ask == .data {
      incoming.came += Int64(frame.body.count)
      guard incoming.came <= incoming.size else { throw .nonsense }
      switch incoming.target {
      case .nowhere: break
      case .result(let key, let bytes): incoming.target = .result(key, bytes + frame.body)
      case .object(let writer):
        if case .failure(let error) = Result(catching: { () throws(StoreError) in try writer.append(frame.body) }) {
          incoming.target = .nowhere
          try fail(frame.request, error)
        }
      }
      self.incoming = incoming
      return
    }
    switch incoming.target {
    case .nowhere: break
    case _ where incoming.came != incoming.size:
      try fail(frame.request, StoreError(.damaged, "\(incoming.came) bytes came where \(incoming.size) were announced"))
    case .object(let writer):
      switch Result(catching: { () throws(StoreError) in try finish(writer) }) {
      case .success: try reply(.done, frame.request)
      case .failure(let error): try fail(frame.request, error)
      }
    case .result(let key, let bytes):
      let kept = Result { () throws(RemoteError) in
        // What it names comes before it.
        do throws(StoreError) { try store.flush() } catch {
          throw RemoteError(error.code == .noSpace ? .full : .local, error.message)
        }
        try results.putResult(bytes, for: key)
      }
      switch kept {
      case .success: try reply(.done, frame.request)
      case .failure(let error): try fail(frame.request, error)
      }
    }
  }

  private func finish(_ writer: ObjectWriter) throws(StoreError) {
    try writer.finish()
    newObjects += 1
    newBytes += writer.count
    // So that a kill loses little.
    if newObjects >= 2000 || newBytes >= 256 << 20 {
      (newObjects, newBytes) = (0, 0)
      try store.flush()
    }
  }

  private func reply(_ answer: StdioTalk.Answer, _ request: UInt32, _ body: [UInt8] = []) throws(WireError) {
    try pipe.send(answer.rawValue, request, body)
  }

  private func begin(_ size: Int64, _ request: UInt32) throws(WireError) {
    var body = WireWriter()
    body.add(size)
    try reply(.begin, request, body.bytes)
  }

  private func send(_ bytes: UnsafeRawBufferPointer, _ request: UInt32) throws(WireError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = min(rest.count, 256 << 10)
      try pipe.send(StdioTalk.Answer.data.rawValue, request, [], UnsafeRawBufferPointer(rebasing: rest[..<count]))
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  private func fail(_ request: UInt32, _ error: StoreError) throws(WireError) {
    let kind: StdioTalk.Failure =
      switch error.code {
      case .damaged: .damaged
      case .noSpace, .readOnly: .full
      default: error.errno == EACCES ? .forbidden : .other
      }
    try fail(request, kind, error.message)
  }

  private func fail(_ request: UInt32, _ error: RemoteError) throws(WireError) {
    let kind: StdioTalk.Failure =
      switch error.kind {
      case .damaged: .damaged
      case .full: .full
      case .forbidden: .forbidden
      default: .other
      }
    try fail(request, kind, error.message)
  }

  private func fail(_ request: UInt32, _ kind: StdioTalk.Failure, _ sentence: String) throws(WireError) {
    var body = WireWriter()
    body.add(kind.rawValue)
    body.add(sentence)
    try reply(.failed, request, body.bytes)
  }
}

extension WireReader {
  /// Takes a digest.
  mutating func digest() -> Digest? { bytes(Digest.byteCount).flatMap { Digest(bytes: $0) } }
}
