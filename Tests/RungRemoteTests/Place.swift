import Glibc
import RungCore
import RungRemote
import RungStore

/// The kinds of remotes that there are.
enum Kind: String, CaseIterable {
  case folder, web, ssh, rclone
}

/// A remote of one kind in a scene, and what can happen to it.
final class Place {
  let kind: Kind
  let scene: Scene
  private let server: WebServer?
  private let address: String
  private let own: [String: String]

  init(_ kind: Kind) throws {
    self.kind = kind
    scene = try Scene()
    mkdir("\(scene.folder)/far", 0o755)
    server = kind == .web ? try WebServer(scene) : nil
    switch kind {
    case .folder: (address, own) = ("\(scene.folder)/far", [:])
    case .web: (address, own) = (server?.address ?? "", [:])
    case .ssh:
      // Instead of another machine: a shell that runs the command here.
      try scene.write("#!/bin/sh\nshift\nexec sh -c \"$*\"\n", to: "ssh", mode: 0o755)
      own = ["RUNG_SSH": "\(scene.folder)/ssh", "RUNG_SSH_RUNG": Program.built("rung")]
      address = "ssh://me@there\(scene.folder)/far"
    case .rclone:
      own = ["RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_LAB_TYPE": "alias", "RCLONE_CONFIG_LAB_REMOTE": scene.folder]
      address = "rclone:lab:far"
    }
  }

  /// As another person would open it: a new value each time.
  func remote() throws -> any RemoteStorage { try scene.remote(address, own) }

  /// Turns a byte of an object around where it lies.
  func flip(_ digest: Digest) throws {
    switch kind {
    case .folder, .rclone: try Scene.flip("\(scene.folder)/far/cas/\(digest.hex.prefix(2))/\(digest.hex)", at: 11)
    case .web: try Scene.flip(server?.file(digest.hex) ?? "", at: 11)
    case .ssh:
      let store = try ObjectStore(path: "\(scene.folder)/far")
      guard let place = try store.location(of: digest) else { throw Broken(description: "it is not there") }
      try Scene.flip(place.file, at: Int(place.bytes.upperBound) - 20)
    }
  }

  /// Takes an object away.
  func lose(_ digest: Digest) throws {
    switch kind {
    case .folder, .rclone: unlink("\(scene.folder)/far/cas/\(digest.hex.prefix(2))/\(digest.hex)")
    case .web: unlink(server?.file(digest.hex) ?? "")
    case .ssh: try ObjectStore(path: "\(scene.folder)/far").lose(digest)
    }
  }
}
