import Glibc
import RungCore
import RungLedger
import RungStore
import Testing

@testable import RungTrace

/// Bundles from strangers: whatever is in them, nothing is written outside the new folder, and nothing is half there.
@Suite struct BundleTests {
  // A folder of its own, gone with the value.
  private final class Place {
    let path: String

    init() throws {
      var template = Array("/tmp/rung-bundle-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw BundleError("mkdtemp") }
      path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    static func remove(_ path: String) {
      guard let stream = opendir(path) else {
        unlink(path)
        return
      }
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name == "." || name == ".." { continue }
        let inner = "\(path)/\(name)"
        var status = stat()
        if lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { remove(inner) } else { unlink(inner) }
      }
      closedir(stream)
      rmdir(path)
    }

    var names: [String] {
      guard let stream = opendir(path) else { return [] }
      defer { closedir(stream) }
      var names: [String] = []
      while let entry = readdir(stream) {
        names.append(
          withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
      }
      return names.filter { $0 != "." && $0 != ".." }.sorted()
    }
  }

  // An entry of an archive.
  private struct Entry {
    var path: String
    var bytes: [UInt8] = []
    var type: UInt8 = UInt8(ascii: "0")
  }

  private static let script = Array("print(1)\n".utf8)
  private static let result = Array("1\n".utf8)

  private func record() -> Record {
    Record(
      instance: "p/s", pipeline: "p", step: "s", kind: nil, axes: [], key: Digest(ofText: "key"), fields: [],
      outcome: .succeeded, exitCode: 0, signal: nil, problem: nil, command: ["python", "a.py"], parameters: [],
      inputs: [
        .init(
          name: "code", path: "a.py", kind: "file", digest: Digest(of: Self.script), source: .project(path: "a.py"))
      ],
      outputs: [.init(name: "o", path: "o", kind: "file", digest: Digest(of: Self.result), size: 2)],
      environment: nil, program: nil, variables: [], watch: "declared", network: false, run: "r", host: "h", started: 1,
      duration: 2, cpu: 3, peakMemory: 4, attempts: 1, commit: nil, dirty: nil, log: nil, version: "0")
  }

  private func manifest(_ path: String = "a.py") -> BundleManifest {
    let record = record().bytes
    return BundleManifest(
      subject: .init(
        digest: Digest(of: Self.result), instance: "p/s", output: "o", record: Digest(of: record), path: nil),
      arguments: ["p/s"],
      files: [
        .init(path: path, digest: Digest(of: Self.script), size: Int64(Self.script.count), isExecutable: false)
      ],
      leftOut: ["b.py"], objects: [.init(digest: Digest(of: Self.result), size: 2)],
      records: [.init(digest: Digest(of: record), size: Int64(record.count))], version: "0")
  }

  private func entries(_ manifest: BundleManifest) -> [Entry] {
    [
      Entry(path: "rung-bundle.json", bytes: Array(manifest.json.compact.utf8)),
      Entry(path: "project/\(manifest.files[0].path)", bytes: Self.script),
      Entry(path: "records/\(manifest.records[0].digest.hex)", bytes: record().bytes),
      Entry(path: "objects/\(manifest.objects[0].digest.hex)", bytes: Self.result),
    ]
  }

  private func archive(_ entries: [Entry]) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in entries {
      var header = TarFormat.header(entry.path, size: Int64(entry.bytes.count), isExecutable: false)
      let last = header.count - TarFormat.block
      if entry.type != UInt8(ascii: "0") {
        header[last + 156] = entry.type
        for index in 0..<8 { header[last + 148 + index] = UInt8(ascii: " ") }
        let sum = String(header[last...].reduce(0) { $0 + Int($1) }, radix: 8)
        for (index, digit) in (String(repeating: "0", count: 6 - sum.utf8.count) + sum).utf8.enumerated() {
          header[last + 148 + index] = digit
        }
        header[last + 154] = 0
      }
      bytes += header + entry.bytes + TarFormat.padding(Int64(entry.bytes.count))
    }
    return bytes + TarFormat.end
  }

  // Opens an archive in a place that has nothing else; the answer is the error, if there is one.
  private func open(_ bytes: [UInt8], packed: Bool = true) throws -> (
    error: BundleError?, names: [String], script: Bool
  ) {
    let place = try Place()
    let bundle = "\(place.path)/b"
    if packed {
      let writer = try ZstdWriter(bundle)
      try writer.write(bytes, isLast: true)
    } else {
      let file = try #require(fopen(bundle, "we"))
      fwrite(bytes, 1, bytes.count, file)
      fclose(file)
    }
    mkdir("\(place.path)/in", 0o755)
    var failure: BundleError?
    do throws(BundleError) {
      _ = try BundleOpener.open(bundle, as: "\(place.path)/in/new") { Place.remove($0) }
    } catch { failure = error }
    var inside: [String] = []
    if let stream = opendir("\(place.path)/in") {
      while let entry = readdir(stream) {
        inside.append(
          withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
      }
      closedir(stream)
    }
    #expect(place.names == ["b", "in"])
    return (failure, inside.filter { $0 != "." && $0 != ".." }, access("\(place.path)/in/new/a.py", F_OK) == 0)
  }

  @Test func aSoundBundleBecomesAProject() throws {
    let opened = try open(archive(entries(manifest())))
    #expect(opened.error == nil && opened.names == ["new"] && opened.script)
  }

  @Test(arguments: [
    "../a.py", "/etc/a.py", "a/../../a.py", "./a.py", "a//b.py", "cache/index.sqlite", "cache", "rung-bundle.json", "",
  ])
  func aPathThatLeadsElsewhereIsRefused(path: String) throws {
    let opened = try open(archive(entries(manifest(path))))
    #expect(opened.error?.message.contains("refused") == true, "\(path): \(opened.error?.message ?? "nothing")")
    #expect(opened.names == [])
  }

  @Test(arguments: [UInt8(ascii: "1"), UInt8(ascii: "2"), UInt8(ascii: "3"), UInt8(ascii: "5"), UInt8(ascii: "L")])
  func whatIsNoFileIsRefused(type: UInt8) throws {
    var all = entries(manifest())
    all.insert(Entry(path: "project/link", type: type), at: 1)
    let opened = try open(archive(all))
    #expect(opened.error?.message.contains("refused") == true && opened.names == [])
  }

  @Test func whatTheManifestDoesNotListIsRefusedAndWhatItListsIsMissed() throws {
    let all = entries(manifest())
    for extra in ["../../outside", "/tmp/outside", "project/b.py", "outside", "objects/../x", "records/zz"] {
      let opened = try open(archive(all + [Entry(path: extra, bytes: Self.script)]))
      #expect(opened.error?.message.contains("does not list") == true && opened.names == [])
    }
    // The same file twice.
    #expect(try open(archive(all + [all[1]])).error != nil)
    for index in all.indices {
      var some = all
      some.remove(at: index)
      let opened = try open(archive(some))
      #expect(opened.error != nil && opened.names == [])
    }
  }

  @Test func aManifestIsNotBelievedAboutWhatTheBundleIsOf() throws {
    var other = manifest()
    other.subject.digest = Digest(ofText: "another figure")
    #expect(try open(archive(entries(other))).error?.message.contains("do not say what its manifest claims") == true)
    var unnamed = manifest()
    unnamed.subject.output = "another"
    let opened = try open(archive(entries(unnamed)))
    #expect(opened.error != nil && opened.names == [])
    for path in [".git/config", "a/.GIT/config", "a\nb"] {
      #expect(try open(archive(entries(manifest(path)))).error != nil)
    }
  }

  @Test func aByteThatIsNotAsItWasIsFound() throws {
    let all = entries(manifest())
    for index in 1..<all.count {
      for position in [0, all[index].bytes.count / 2, all[index].bytes.count - 1] {
        var changed = all
        changed[index].bytes[position] ^= 1
        let opened = try open(archive(changed))
        #expect(opened.error?.message.contains("damaged") == true && opened.names == [])
      }
    }
  }

  @Test func aBundleCutAnywhereIsRefused() throws {
    let whole = archive(entries(manifest()))
    // The end mark itself is not needed.
    for count in stride(from: 0, to: whole.count - TarFormat.end.count, by: 97) {
      let opened = try open(Array(whole[..<count]))
      #expect(opened.error != nil && opened.names == [], "\(count) of \(whole.count)")
    }
    // Cut in its compressed form; and what is none.
    #expect(try open(Array("this is no bundle".utf8), packed: false).error != nil)
    #expect(try open([], packed: false).error != nil)
  }

  @Test func longNamesAndLargeSizesFit() throws {
    for length in [99, 100, 101, 155, 200, 255, 256, 300, 1000] {
      let path = String(repeating: "abcdefghi/", count: length / 10) + String(repeating: "x", count: length % 10 + 1)
      let header = TarFormat.header(path, size: 5, isExecutable: true)
      var rest = header[...]
      var name: [UInt8]?
      while let entry = try TarFormat.entry(Array(rest.prefix(512))) {
        rest = rest.dropFirst(512)
        if entry.type == UInt8(ascii: "x") {
          name = try TarFormat.path(inPax: Array(rest.prefix(Int(entry.size))))
          rest = rest.dropFirst(Int(entry.size) + TarFormat.padding(entry.size).count)
        } else {
          #expect(String(decoding: name ?? entry.path, as: UTF8.self) == path)
          #expect(entry.size == 5 && entry.isExecutable)
          break
        }
      }
    }
    for size in [0, 511, 1 << 33 - 1, 1 << 33, 1 << 40] as [Int64] {
      #expect(try TarFormat.entry(TarFormat.header("a", size: size, isExecutable: false))?.size == size)
    }
  }
}
