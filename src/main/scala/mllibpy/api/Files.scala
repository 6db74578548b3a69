package mllibpy.api

import mllibpy.engine.InvalidInput
import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{
  FileStatus,
  FileSystem,
  LocalFileSystem,
  Path,
  UnsupportedFileSystemException
}
import org.apache.hadoop.io.compress.CompressionCodecFactory

import java.io.{
  BufferedInputStream,
  BufferedReader,
  EOFException,
  IOException,
  InputStream,
  InputStreamReader,
  OutputStream
}
import java.net.ConnectException
import java.nio.charset.StandardCharsets.{US_ASCII, UTF_8}
import java.util.UUID
import java.util.zip.ZipException

/** A file that was found. */
final case class Found(path: String, bytes: Long)

/** Small reads and whole writes on any file system that Hadoop knows. */
final class Files(conf: Configuration) {

  /** A local file system without its checksum side files: our own formats carry their checksums. */
  def system(path: Path): FileSystem = path.getFileSystem(conf) match {
    case l: LocalFileSystem => l.getRaw
    case other              => other
  }

  def exists(uri: String): Boolean = {
    val path = new Path(uri)
    system(path).exists(path)
  }

  /** The data files that a file, folder or glob names, by name; hidden ones left out. */
  def list(uri: String): Seq[Found] = {
    InvalidInput.unless(
      !uri.startsWith("http://") && !uri.startsWith("https://"),
      s"$uri is a web address, whose files cannot be listed; download it and name the file"
    )
    val matched =
      try {
        val path = new Path(uri)
        Option(system(path).globStatus(path)).toSeq.flatten
      } catch {
        case e @ (_: IllegalArgumentException | _: UnsupportedFileSystemException) =>
          val why = Option(e.getCause).getOrElse(e).getMessage
          throw new InvalidInput(s"$uri cannot be a path or a URI: $why")
        case e: IOException if String.valueOf(e.getMessage).startsWith("Illegal file pattern") =>
          throw new InvalidInput(s"$uri cannot be a glob: ${e.getMessage}")
        case e: ConnectException =>
          // Hadoop's own words around the cause go on for lines.
          val why = Option(e.getCause).getOrElse(e).getMessage
          throw new InvalidInput(s"$uri cannot be reached: $why")
      }
    val files = matched.flatMap(s =>
      if (s.isDirectory) system(s.getPath).listStatus(s.getPath).toSeq.filter(_.isFile)
      else Seq(s)
    )
    files.filterNot(hidden).map(s => Found(s.getPath.toString, s.getLen)).sortBy(_.path)
  }

  private def hidden(s: FileStatus): Boolean =
    s.getPath.getName.startsWith("_") || s.getPath.getName.startsWith(".")

  /** The first file that is not empty. */
  def first(uri: String): Found = {
    val found = list(uri)
    InvalidInput.unless(found.nonEmpty, s"there is no file at $uri")
    found
      .find(_.bytes > 0)
      .getOrElse(throw new InvalidInput(s"$uri: all files are empty; there are no ratings"))
  }

  /** The bytes of a file, decompressed by its ending. */
  def open(uri: String): InputStream = {
    val path = new Path(uri)
    val fs = system(path)
    InvalidInput.unless(fs.exists(path), s"there is no file at $uri")
    val raw = fs.open(path)
    Option(new CompressionCodecFactory(conf).getCodec(path))
      .map(_.createInputStream(raw))
      .getOrElse(raw)
  }

  /** Whether the (decompressed) file starts with these ASCII letters. */
  def startsWith(uri: String, letters: String): Boolean =
    try bytes(uri, letters.length.toLong).sameElements(letters.getBytes(US_ASCII))
    catch { case _: IOException => false } // a damaged archive: who reads its lines says so

  def lines(uri: String, n: Int): Seq[String] = {
    val in = new BufferedReader(new InputStreamReader(open(uri), UTF_8))
    try {
      val read =
        Iterator.continually(in.readLine()).takeWhile(_ != null).filterNot(_.isBlank).take(n).toList
      InvalidInput.unless(read.nonEmpty, s"$uri: the file is empty; there are no ratings")
      // Some programs write a byte order mark first; Hadoop's readers leave it out.
      read.head.stripPrefix("\uFEFF") :: read.tail
    } catch {
      case e: IOException => throw new InvalidInput(s"$uri cannot be read: ${e.getMessage}")
    } finally in.close()
  }

  /** Which line starts at `offset` of the (decompressed) file, counted from 1. */
  def lineNumber(uri: String, offset: Long): Long = {
    val in = new BufferedInputStream(open(uri), 1 << 16)
    try {
      var line = 1L
      var at = 0L
      while (at < offset) {
        if (in.read() == '\n') line += 1
        at += 1
      }
      line
    } catch {
      // A compressed file that is cut off or damaged before the offset.
      case _: EOFException | _: ZipException => 1L
    } finally in.close()
  }

  def bytes(uri: String, limit: Long): Array[Byte] = {
    val in = open(uri)
    try if (limit < 0) in.readAllBytes() else in.readNBytes(Math.toIntExact(limit))
    finally in.close()
  }

  /** Writes a whole file under a temporary name, then renames it. */
  def write(uri: String)(content: OutputStream => Unit): Unit = {
    val path = new Path(uri)
    val fs = system(path)
    val temporary = new Path(path.getParent, s".${path.getName}.${UUID.randomUUID}")
    try {
      Option(path.getParent).foreach(fs.mkdirs)
      val out = fs.create(temporary, true)
      try content(out)
      finally out.close()
      replace(fs, temporary, path)
    } finally if (fs.exists(temporary)) { fs.delete(temporary, true); () }
  }

  /** Renames onto a name that may be taken. */
  def replace(fs: FileSystem, from: Path, to: Path): Unit = {
    def failed = new InvalidInput(s"could not write $to; check permissions and space", "state")
    val old = new Path(to.getParent, s".${to.getName}.${UUID.randomUUID}")
    val taken = fs.exists(to)
    // A rename onto a folder that is still there would move into it.
    if (taken && !fs.rename(to, old)) throw failed
    var done = false
    try {
      done = fs.rename(from, to)
      if (!done) throw failed
    } finally if (taken && !done) { fs.rename(old, to); () }
    if (taken) { fs.delete(old, true); () }
  }
}
