import Glibc

/// nginx on loopback, as docs/formats/remote.md tells how to set it up; stopped with the value.
final class WebServer: Sendable {
  static let path = "/usr/sbin/nginx"
  static let isThere = Program.isInstalled(path)
  static let why = "nginx-light is not installed"

  let port: Int
  let folder: String
  private let program: Program

  /// Serves `folder/data`. `server` goes into its section `server`, `location` into the one for objects and results.
  init(_ scene: Scene, server: String = "", location: String? = nil, secure: Bool = false, data: String? = nil) throws {
    let folder = "\(scene.folder)/web"
    self.folder = folder
    for name in ["web", "web/data", "web/tmp"] { mkdir("\(scene.folder)/\(name)", 0o755) }
    port = try TCP.freePort()
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/tmp;" }
    try scene.write(
      """
      daemon off; master_process off; pid \(folder)/pid; worker_processes 1;
      events { worker_connections 256; }
      http {
        access_log \(folder)/access.log; \(temporary.joined(separator: " ")) client_max_body_size 0;
        server {
          listen 127.0.0.1:\(port)\(secure ? " ssl" : "");
          root \(data ?? "\(folder)/data");
          \(server)
          location ~ "^/(.*/)?(cas|ac)/[0-9a-f]{64}$" {
            \(location ?? "dav_methods PUT; create_full_put_path on;")
          }
        }
      }
      """, to: "web/nginx.conf")
    program = try Program(
      Self.path, ["-c", "\(folder)/nginx.conf", "-e", "\(folder)/error.log"], log: "\(folder)/output.log")
    try TCP.await(port, program.process)
  }

  /// The address of a cache.
  var address: String { "http://127.0.0.1:\(port)/lab" }

  /// Where an object lies.
  func file(_ hex: String) -> String { "\(folder)/data/lab/cas/\(hex)" }

  /// How many requests of a method were answered so.
  func count(_ method: String, _ status: Int) -> Int {
    Scene.text("\(folder)/access.log").split(separator: "\n").count {
      $0.contains("\"\(method) ") && $0.contains("\" \(status) ")
    }
  }
}
