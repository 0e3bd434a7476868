import RungCore

extension ObjectStore {
  /// Runs `body`, in which many objects are asked for (`contains`), at the price of few calls to the system. Collectors
  /// wait meanwhile; what was said to be there is pinned when this returns. May be nested, and others may use the store.
  ///
  /// Throws what `body` throws, and what keeps the pins from being written: then nothing that it found may be relied on.
  public func together<T>(_ body: () throws -> T) throws -> T {
    try stage?.beginTogether()
    let result: Result<T, any Error>
    do {
      // After collectors are kept away: what it shows is there until the end.
      try index.beginSnapshot()
      defer { index.endSnapshot() }
      result = Result { try body() }
    } catch {
      result = .failure(error)
    }
    try stage?.endTogether()
    return try result.get()
  }
}
