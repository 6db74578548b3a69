package mllibpy.api

import java.io.RandomAccessFile
import java.nio.channels.FileChannel.MapMode
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files => JFiles, Paths, StandardOpenOption}
import java.nio.{ByteBuffer, ByteOrder}

/** Arrays that cross between Python and the JVM: raw little-endian bytes, one array after the
  * other, in a file that both see (in memory where the system has such a place). Who writes says
  * the lengths.
  */
final class ArrayReader(path: String) extends AutoCloseable {
  private val file = new RandomAccessFile(path, "r")
  private var at = 0L

  private def take(bytes: Long): ByteBuffer = {
    val out = file.getChannel.map(MapMode.READ_ONLY, at, bytes).order(ByteOrder.LITTLE_ENDIAN)
    at += bytes
    out
  }

  def longs(n: Int): Array[Long] = {
    val a = new Array[Long](n); take(n * 8L).asLongBuffer().get(a); a
  }
  def ints(n: Int): Array[Int] = { val a = new Array[Int](n); take(n * 4L).asIntBuffer().get(a); a }
  def floats(n: Int): Array[Float] = {
    val a = new Array[Float](n); take(n * 4L).asFloatBuffer().get(a); a
  }
  def bytes(n: Int): Array[Byte] = { val a = new Array[Byte](n); take(n.toLong).get(a); a }

  /** n texts: n + 1 offsets into as many bytes of UTF-8. */
  def texts(n: Int): Array[String] = {
    val offsets = longs(n + 1)
    val blob = bytes(Math.toIntExact(offsets(n)))
    Array.tabulate(n)(i =>
      new String(blob, offsets(i).toInt, (offsets(i + 1) - offsets(i)).toInt, UTF_8)
    )
  }

  /** Moves to a byte of the file. */
  def seek(to: Long): Unit = at = to
  override def close(): Unit = file.close()
}

object ArrayWriter {
  def longs(path: String, a: Array[Long]): Unit =
    write(path, a.length * 8L, _.asLongBuffer().put(a))
  def ints(path: String, a: Array[Int]): Unit = write(path, a.length * 4L, _.asIntBuffer().put(a))
  def floats(path: String, a: Array[Float]): Unit =
    write(path, a.length * 4L, _.asFloatBuffer().put(a))

  /** Offsets, then the bytes. */
  def texts(path: String, a: Array[String]): Unit = {
    val encoded = a.map(_.getBytes(UTF_8))
    val offsets = encoded.scanLeft(0L)(_ + _.length)
    write(
      path,
      offsets.length * 8L + offsets.last,
      b => {
        offsets.foreach(b.putLong)
        encoded.foreach(b.put)
      }
    )
  }

  private def write(path: String, bytes: Long, fill: ByteBuffer => Any): Unit = {
    val options = Seq(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE)
    val channel = JFiles
      .newByteChannel(Paths.get(path), options: _*)
      .asInstanceOf[java.nio.channels.FileChannel]
    try {
      if (bytes > 0) {
        fill(channel.map(MapMode.READ_WRITE, 0, bytes).order(ByteOrder.LITTLE_ENDIAN))
        ()
      }
    } finally channel.close()
  }
}
