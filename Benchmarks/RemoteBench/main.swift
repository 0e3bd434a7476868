import Glibc
import RungCore
import RungRemote
import RungStore
import Synchronization

// What Benchmarks/remote times remote caches with:
//
//     rung-remote-bench fill CACHE FOLDER              puts every file of a folder; prints a digest for each
//     rung-remote-bench push CACHE REMOTE < digests    sends them
//     rung-remote-bench pull CACHE REMOTE < digests    fetches them, and flushes
//
// The last line is one of JSON: seconds, objects, bytes, and the largest resident set of this process in KiB.

func say(_ text: String) {
  let bytes = Array("\(text)\n".utf8)
  _ = write(2, bytes, bytes.count)
}

func complain(_ text: String) -> Never {
  say("rung-remote-bench: \(text)")
  exit(1)
}

func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func largest() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss
}

func digests() -> [Digest] {
  var found: [Digest] = []
  while let line = readLine() {
    guard let digest = Digest(line) else { complain("'\(line)' is no digest") }
    found.append(digest)
  }
  return found
}

func variables() -> [String: String] {
  var result: [String: String] = [:]
  var entry = environ
  while let text = entry.pointee {
    let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
    entry += 1
  }
  return result
}

func fill(_ store: ObjectStore, _ folder: String) throws(StoreError) {
  guard let stream = opendir(folder) else { complain("cannot open \(folder)") }
  defer { closedir(stream) }
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if name.hasPrefix(".") { continue }
    print("\(try store.put(fileAt: "\(folder)/\(name)").digest.hex) \(name)")
  }
  try store.flush()
}

func move(_ verb: String, _ store: ObjectStore, _ address: String) throws {
  let remote = try Remotes.open(address: address, variables: variables())
  let wanted = digests()
  let start = now()
  let progress: @Sendable (TransferProgress) -> Void = { _ in }
  let outcome =
    verb == "push"
    ? try remote.push(wanted, from: store, progress: progress)
    : try remote.pull(wanted, into: store, progress: progress)
  if verb == "pull" { try store.flush() }
  let seconds = now() - start
  for (digest, error) in outcome.failed.prefix(5) { say("\(digest.short): \(error)") }
  print(
    "{\"seconds\": \(seconds), \"moved\": \(outcome.moved), \"skipped\": \(outcome.skipped), "
      + "\"failed\": \(outcome.failed.count), \"bytes\": \(outcome.bytes), \"memory\": \(largest()) }")
}

do {
  let words = Array(CommandLine.arguments.dropFirst())
  guard words.count == 3, ["fill", "push", "pull"].contains(words[0]) else {
    complain("fill CACHE FOLDER | push CACHE REMOTE | pull CACHE REMOTE")
  }
  let store = try ObjectStore(path: words[1])
  if words[0] == "fill" { try fill(store, words[2]) } else { try move(words[0], store, words[2]) }
} catch {
  complain("\(error)")
}
