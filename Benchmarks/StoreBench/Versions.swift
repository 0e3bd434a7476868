import RungCore
import RungStore

func range(_ cache: String, _ digest: Digest, _ offset: Int64, _ count: Int64) throws(StoreError) -> Report {
  let watch = Stopwatch()
  let store = try ObjectStore(path: cache)
  let opened = watch.seconds
  let bytes = try store.read(digest, range: offset..<offset + count)
  var report = watch.report()
  let again = Stopwatch()
  // Not the frame that was read a moment ago, where the object has others.
  let before = try store.read(digest, range: max(0, offset - (8 << 20))..<max(0, offset - (8 << 20)) + count)
  report.add("opened", opened)
  report.add("again", again.seconds)
  report.add("bytes", Int64(bytes.count + before.count))
  return report
}

func second(_ cache: String, _ file: String, _ earlier: Digest) throws(StoreError) -> Report {
  try storing(cache) { store throws(StoreError) in
    try store.put(fileAt: file, options: PutOptions(earlier: [earlier]))
  }
}
