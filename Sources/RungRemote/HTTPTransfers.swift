import RungCore
import RungStore
import RungWire
import Synchronization

/// The objects that were found to have other bytes there: the next push sends them, although they seem to be there.
final class Wrong: Sendable {
  private let digests = Mutex(Set<Digest>())
  func note(_ digest: Digest) { digests.withLock { _ = $0.insert(digest) } }
  func forget(_ digest: Digest) -> Bool { digests.withLock { $0.remove(digest) != nil } }
}

/// The objects that were found; of one thread.
final class Found {
  var digests: Set<Digest> = []
  var error: RemoteError?
}

/// Asks whether an object is there.
final class HTTPLook: HTTPWork {
  private let digest: Digest
  private let found: Found

  init(_ digest: Digest, _ found: Found) { (self.digest, self.found) = (digest, found) }

  func request() -> HTTPRequest? { HTTPRequest(method: .head, path: "/cas/\(digest.hex)") }
  func done(isThere: Bool) -> Bool {
    if isThere { found.digests.insert(digest) }
    return false
  }
  func failed(_ error: RemoteError) { found.error = error }
}

/// Asks whether an object is there, and sends it where it is not.
final class HTTPPush: HTTPWork {
  private let digest: Digest
  private let store: ObjectStore
  private let tally: Tally
  private var isMissing = false
  private var reader: ObjectReader?
  // What was read and not yet sent; it is memory of the reader.
  private var rest = UnsafeRawBufferPointer(start: nil, count: 0)
  private var size: Int64 = 0

  init(_ digest: Digest, from store: ObjectStore, _ tally: Tally, _ wrong: Wrong) {
    (self.digest, self.store, self.tally) = (digest, store, tally)
    isMissing = wrong.forget(digest)
  }

  func request() -> HTTPRequest? {
    let path = "/cas/\(digest.hex)"
    if !isMissing { return HTTPRequest(method: .head, path: path) }
    do throws(StoreError) {
      let reader = try store.reader(digest)
      size = reader.size
      rest = UnsafeRawBufferPointer(start: nil, count: 0)
      self.reader = reader
      var request = HTTPRequest(method: .put, path: path, size: size)
      if size <= TransferTalk.inline {
        while case let piece = try reader.piece(), !piece.isEmpty { request.body += piece }
        self.reader = nil
        tally.went(request.body.count)
      }
      return request
    } catch {
      tally.failed(digest, store: error)
      return nil
    }
  }

  func give(_ most: Int, _ send: (UnsafeRawBufferPointer) -> Void) -> Bool {
    guard let reader else { return false }
    var left = most
    do throws(StoreError) {
      while left > 0 {
        if rest.isEmpty { rest = try reader.piece() }
        if rest.isEmpty { return true }
        let count = min(left, rest.count, 256 << 10)
        send(UnsafeRawBufferPointer(rebasing: rest[..<count]))
        tally.went(count)
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        left -= count
      }
      return true
    } catch {
      tally.failed(digest, store: error)
      self.reader = nil
      return false
    }
  }

  func done(isThere: Bool) -> Bool {
    if isMissing {
      tally.moved(size)
      reader = nil
      return false
    }
    if isThere {
      tally.skipped()
      return false
    }
    isMissing = true
    return true
  }

  func failed(_ error: RemoteError) { tally.failed(digest, error) }
}

/// Fetches an object, in several goes where the connection breaks.
final class HTTPPull: HTTPWork {
  private let digest: Digest
  private let store: ObjectStore
  private let tally: Tally
  private let most: Int64
  private let remote: String
  private let wrong: Wrong
  private var writer: ObjectWriter?
  private var from: Int64 = 0

  init(_ digest: Digest, into store: ObjectStore, _ tally: Tally, most: Int64, _ remote: String, _ wrong: Wrong) {
    (self.digest, self.store, self.tally, self.most, self.remote) = (digest, store, tally, most, remote)
    self.wrong = wrong
  }

  func request() -> HTTPRequest? {
    from = writer?.count ?? 0
    return HTTPRequest(method: .get, path: "/cas/\(digest.hex)", most: max(0, most - from), from: from)
  }

  func take(_ bytes: UnsafeRawBufferPointer, status: Int) -> Bool {
    tally.went(bytes.count)
    do throws(StoreError) {
      // The whole of it, although the rest was asked for.
      if from > 0, status != 206 {
        writer = nil
        from = 0
      }
      let writer: ObjectWriter
      if let begun = self.writer { writer = begun } else { writer = try store.writer(digest) }
      self.writer = writer
      try writer.append(bytes)
      return true
    } catch {
      tally.failed(digest, store: error)
      return false
    }
  }

  func done(isThere: Bool) -> Bool {
    guard isThere else {
      failed(RemoteError(.missing, "the remote \(remote) has no object \(digest.hex)"))
      return false
    }
    do throws(StoreError) {
      // An answer without bytes never began.
      let writer: ObjectWriter
      if let begun = self.writer { writer = begun } else { writer = try store.writer(digest) }
      do throws(StoreError) {
        try writer.finish()
      } catch {
        guard error.code == .damaged else { throw error }
        failed(RemoteError(.damaged, "the remote \(remote) has other bytes under the name of object \(digest.hex)"))
        return false
      }
      tally.put(writer.count, into: store)
      self.writer = nil
    } catch {
      tally.failed(digest, store: error)
    }
    return false
  }

  func startOver() { writer = nil }

  func failed(_ error: RemoteError) {
    writer = nil
    if error.kind == .damaged { wrong.note(digest) }
    tally.failed(digest, error)
  }
}

/// Reads something short.
final class HTTPRead: HTTPWork {
  private let path: String
  private var bytes: [UInt8] = []
  /// What was read; nil when nothing is there.
  private(set) var result: Result<[UInt8]?, RemoteError> = .success(nil)

  init(_ path: String) { self.path = path }

  func request() -> HTTPRequest? {
    bytes = []
    return HTTPRequest(method: .get, path: path, most: RemoteLimits.result)
  }
  func take(_ more: UnsafeRawBufferPointer, status: Int) -> Bool {
    bytes += more
    return true
  }
  func done(isThere: Bool) -> Bool {
    result = .success(isThere ? bytes : nil)
    return false
  }
  func failed(_ error: RemoteError) { result = .failure(error) }
}

/// Writes something short.
final class HTTPWrite: HTTPWork {
  private let path: String
  private let bytes: [UInt8]
  private var sent = 0
  private(set) var error: RemoteError?

  init(_ path: String, _ bytes: [UInt8]) { (self.path, self.bytes) = (path, bytes) }

  func request() -> HTTPRequest? {
    sent = 0
    return HTTPRequest(
      method: .put, path: path, size: Int64(bytes.count), body: bytes.count <= TransferTalk.inline ? bytes : [])
  }
  func give(_ most: Int, _ send: (UnsafeRawBufferPointer) -> Void) -> Bool {
    bytes.withUnsafeBytes { raw in
      let end = min(raw.count, sent + most)
      while sent < end {
        let count = min(end - sent, 256 << 10)
        send(UnsafeRawBufferPointer(rebasing: raw[sent..<sent + count]))
        sent += count
      }
    }
    return true
  }
  func done(isThere: Bool) -> Bool { false }
  func failed(_ error: RemoteError) { self.error = error }
}
