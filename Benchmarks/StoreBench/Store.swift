import Glibc
import RungCore
import RungStore

func put(_ cache: String, _ file: String) throws(StoreError) -> Report {
  try storing(cache) { store throws(StoreError) in try store.put(fileAt: file) }
}

func putTree(_ cache: String, _ folder: String) throws(StoreError) -> Report {
  try storing(cache) { store throws(StoreError) in try store.putTree(at: folder) }
}

/// Opening is part of the time, as it is for who runs one command; `staged` is the time until only the flush was left.
func storing(
  _ cache: String, _ body: (ObjectStore) throws(StoreError) -> StoredFile
) throws(StoreError) -> Report {
  let watch = Stopwatch()
  let store = try ObjectStore(path: cache)
  let stored = try body(store)
  let staged = watch.seconds
  try store.flush()
  var report = watch.report()
  report.add("staged", staged)
  report.add("bytes", stored.size)
  report.add("digest", plain: stored.digest.hex)
  return report
}

func get(_ cache: String, _ digest: Digest, _ target: String) throws(StoreError) -> Report {
  let watch = Stopwatch()
  try ObjectStore(path: cache).restore(digest, to: target, executable: false)
  return watch.report()
}

func getTree(_ cache: String, _ digest: Digest, _ target: String) throws(StoreError) -> Report {
  let watch = Stopwatch()
  try ObjectStore(path: cache).restoreTree(digest, to: target)
  return watch.report()
}

func open(_ cache: String, _ digest: Digest) throws(StoreError) -> Report {
  let watch = Stopwatch()
  let store = try ObjectStore(path: cache)
  let opened = watch.seconds
  let found = store.contains(digest)
  let alien = store.contains(Digest(ofText: "never stored"))
  var report = watch.report()
  guard found, !alien else {
    throw StoreError(.missing, "\(cache) does not have what it should, or has what it should not")
  }
  report.add("opened", opened)
  return report
}

/// Flushes now and then, as a run does.
func fill(_ cache: String, _ count: Int64) throws(StoreError) -> Report {
  let watch = Stopwatch()
  let store = try ObjectStore(path: cache)
  var last = Digest.empty
  for number in 0..<count {
    last = try store.put(Array("{\"metric\": \(number)}\n".utf8)).digest
    if number % 20_000 == 19_999 { try store.flush() }
  }
  try store.flush()
  var report = watch.report()
  report.add("objects", count)
  report.add("digest", plain: last.hex)
  return report
}
