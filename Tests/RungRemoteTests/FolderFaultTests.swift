import Glibc
import RungCore
import RungRemote
import RungStore
import Testing

/// What can be wrong with a folder.
@Suite struct FolderFaultTests {
  @Test func aFolderThatIsNotThereIsNotMade() throws {
    let scene = try Scene()
    let remote = try scene.remote("\(scene.folder)/usb")
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [10])
    #expect(trouble { _ = try remote.push(objects, from: mine) }.kind == .unreachable)
    #expect(trouble { _ = try remote.pull(objects, into: mine) }.kind == .unreachable)
    #expect(trouble { _ = try remote.result(objects[0]) }.kind == .unreachable)
    #expect(trouble { try remote.putResult([1], for: objects[0]) }.message.contains("mounted"))
    #expect(access("\(scene.folder)/usb", F_OK) != 0)
  }

  @Test func aFileInThePlaceOfAnObjectThatIsNoneIsNoObject() throws {
    let scene = try Scene()
    let far = "\(scene.folder)/far"
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [10, 20])
    let hex = objects[0].hex
    #expect(try Program.run("/bin/mkdir", ["-p", "\(far)/cas/\(hex.prefix(2))"]) == 0)
    symlink("/etc/passwd", "\(far)/cas/\(hex.prefix(2))/\(hex)")
    let remote = try scene.remote(far)
    #expect(try remote.present(objects).isEmpty)
    #expect(try remote.pull(objects, into: scene.cache("yours")).failed.count == 2)
    #expect(try remote.push(objects, from: mine).moved == 2)
    #expect(try remote.pull(objects, into: scene.cache("yours")).moved == 2)
  }

  @Test func leftoversOfYesterdayAreSweptAndThoseOfNowAreNot() throws {
    let scene = try Scene()
    let far = "\(scene.folder)/far"
    #expect(try Program.run("/bin/mkdir", ["-p", "\(far)/tmp"]) == 0)
    try scene.write("x", to: "far/tmp/old")
    try scene.write("x", to: "far/tmp/new")
    let longAgo = [timeval(tv_sec: 1000, tv_usec: 0), timeval(tv_sec: 1000, tv_usec: 0)]
    #expect(utimes("\(far)/tmp/old", longAgo) == 0)
    let mine = try scene.cache("mine")
    _ = try scene.remote(far).push(try Scene.fill(mine, [10]), from: mine)
    #expect(access("\(far)/tmp/old", F_OK) != 0)
    #expect(access("\(far)/tmp/new", F_OK) == 0)
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
  func aFolderWhereNothingMayBeWrittenIsForbidden() throws {
    let scene = try Scene()
    mkdir("\(scene.folder)/far", 0o555)
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [10])
    #expect(trouble { _ = try scene.remote("\(scene.folder)/far").push(objects, from: mine) }.kind == .forbidden)
  }

  /// A file system of so many MiB, mounted in a scene; nil where this process may not mount.
  private func mount(_ scene: Scene, _ options: String) throws -> String? {
    let far = "\(scene.folder)/far"
    mkdir(far, 0o755)
    return try Program.run("/bin/mount", ["-t", "tmpfs", "-o", options, "rung-test", far]) == 0 ? far : nil
  }

  private static let mayMount: Bool = {
    guard geteuid() == 0, let scene = try? Scene() else { return false }
    let far = "\(scene.folder)/try"
    mkdir(far, 0o755)
    guard (try? Program.run("/bin/mount", ["-t", "tmpfs", "rung-test", far])) == 0 else { return false }
    return (try? Program.run("/bin/umount", [far])) == 0
  }()

  @Test(.enabled(if: mayMount, "this process may not mount file systems"), arguments: [Kind.folder, .ssh, .web])
  func aFullDiskIsTold(_ kind: Kind) throws {
    let scene = try Scene()
    let far = try #require(try mount(scene, "size=3m"))
    defer { _ = try? Program.run("/bin/umount", ["-l", far]) }
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [1 << 20, 10, 1 << 20, 10, 1 << 20, 10, 1 << 20])
    try scene.write("#!/bin/sh\nshift\nexec sh -c \"$*\"\n", to: "ssh", mode: 0o755)
    let own = ["RUNG_SSH": "\(scene.folder)/ssh", "RUNG_SSH_RUNG": Program.built("rung")]
    if kind == .web {
      guard WebServer.isThere else { return }
      let server = try WebServer(scene, data: far)
      // nginx calls it an error of its own.
      let outcome = Result { try scene.remote(server.address).push(objects, from: mine) }
      switch outcome {
      case .success(let outcome): #expect(outcome.failed.values.allSatisfy { [.full, .unreachable].contains($0.kind) })
      case .failure(let error): #expect([.full, .unreachable].contains((error as? RemoteError)?.kind), "\(error)")
      }
      return
    }
    let error = trouble {
      _ = try scene.remote(kind == .ssh ? "ssh://there\(far)" : far, own).push(objects, from: mine)
    }
    #expect(error.kind == .full, "\(error)")
    #expect(error.message.contains("No space left"), "\(error)")
  }

  @Test(.enabled(if: mayMount, "this process may not mount file systems")) func aReadOnlyDiskIsTold() throws {
    let scene = try Scene()
    let far = try #require(try mount(scene, "size=3m"))
    defer { _ = try? Program.run("/bin/umount", ["-l", far]) }
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [10, 100_000])
    let remote = try scene.remote(far)
    _ = try remote.push([objects[0]], from: mine)
    try Scene.flip("\(far)/cas/\(objects[0].hex.prefix(2))/\(objects[0].hex)", at: 3)
    #expect(try Program.run("/bin/mount", ["-o", "remount,ro", far]) == 0)
    #expect(trouble { _ = try remote.push(objects, from: mine) }.kind == .full)
    let error = try #require(try remote.pull(objects, into: scene.cache("yours")).failed[objects[0]])
    #expect(error.kind == .damaged)
    #expect(error.message.contains("it stays there"), "\(error)")
  }
}
