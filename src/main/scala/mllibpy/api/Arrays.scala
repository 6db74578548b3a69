package mllibpy.api

import java.io.RandomAccessFile
import java.nio.channels.FileChannel
import java.nio.channels.FileChannel.MapMode
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Paths, StandardOpenOption}
import java.nio.{ByteBuffer, ByteOrder}

/** Arrays that cross between Python and the JVM: raw little-endian bytes, one array after the
  * other, in a file that both see (in memory where the system has such a place). Who writes says
  * the lengths.
  */
final class ArrayReader(path: String) extends AutoCloseable {
  private val file = new RandomAccessFile(path, "r")
  private var at = 0L

  /** Reads n elements of a width, a mapping at a time: one mapping cannot hold 2 GB. */
  private def take(n: Int, width: Int)(get: (ByteBuffer, Int, Int) => Any): Unit =
    ArrayPieces.of(n).foreach { case (from, m) =>
      val bytes = m.toLong * width
      get(file.getChannel.map(MapMode.READ_ONLY, at, bytes).order(ByteOrder.LITTLE_ENDIAN), from, m)
      at += bytes
    }

  def longs(n: Int): Array[Long] = {
    val a = new Array[Long](n)
    take(n, 8)((b, from, m) => b.asLongBuffer().get(a, from, m))
    a
  }

  def ints(n: Int): Array[Int] = {
    val a = new Array[Int](n)
    take(n, 4)((b, from, m) => b.asIntBuffer().get(a, from, m))
    a
  }

  def floats(n: Int): Array[Float] = {
    val a = new Array[Float](n)
    take(n, 4)((b, from, m) => b.asFloatBuffer().get(a, from, m))
    a
  }

  def doubles(n: Int): Array[Double] = {
    val a = new Array[Double](n)
    take(n, 8)((b, from, m) => b.asDoubleBuffer().get(a, from, m))
    a
  }

  def bytes(n: Int): Array[Byte] = {
    val a = new Array[Byte](n)
    take(n, 1)((b, from, m) => b.get(a, from, m))
    a
  }

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

/** Runs of an array that one mapping holds. */
private object ArrayPieces {
  private final val Most = 1 << 27

  def of(n: Int): Seq[(Int, Int)] =
    Iterator
      .iterate(0L)(_ + Most)
      .takeWhile(_ < n)
      .map(f => (f.toInt, Math.min(Most, n - f.toInt)))
      .toSeq
}

object ArrayWriter {
  def longs(path: String, a: Array[Long]): Unit = write(path) { w =>
    w.put(a.length, 8)((b, from, m) => b.asLongBuffer().put(a, from, m))
  }

  def ints(path: String, a: Array[Int]): Unit = write(path) { w =>
    w.put(a.length, 4)((b, from, m) => b.asIntBuffer().put(a, from, m))
  }

  def floats(path: String, a: Array[Float]): Unit = write(path) { w =>
    w.put(a.length, 4)((b, from, m) => b.asFloatBuffer().put(a, from, m))
  }

  def doubles(path: String, a: Array[Double]): Unit = write(path) { w =>
    w.put(a.length, 8)((b, from, m) => b.asDoubleBuffer().put(a, from, m))
  }

  /** Several arrays, one after the other. */
  def parts(path: String, of: Seq[Array[Double]]): Unit = write(path) { w =>
    for (a <- of) w.put(a.length, 8)((b, from, m) => b.asDoubleBuffer().put(a, from, m))
  }

  /** Offsets, then the bytes. */
  def texts(path: String, a: Array[String]): Unit = write(path) { w =>
    val encoded = a.map(_.getBytes(UTF_8))
    val offsets = encoded.scanLeft(0L)(_ + _.length)
    w.put(offsets.length, 8)((b, from, m) => b.asLongBuffer().put(offsets, from, m))
    encoded.foreach(w.bytes)
  }

  /** Written through a buffer and not through a mapping: where a memory file system is full, that
    * is an error that can be told and not a fault of the JVM.
    */
  private final class Sink(channel: FileChannel) {
    private val buffer = ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN)

    def put(n: Int, width: Int)(fill: (ByteBuffer, Int, Int) => Any): Unit = {
      val step = buffer.capacity / width
      var from = 0
      while (from < n) {
        val m = Math.min(step, n - from)
        buffer.clear()
        fill(buffer, from, m)
        buffer.limit(m * width)
        while (buffer.hasRemaining) channel.write(buffer)
        from += m
      }
    }

    def bytes(a: Array[Byte]): Unit =
      put(a.length, 1)((b, from, m) => b.duplicate().put(a, from, m))
  }

  private def write(path: String)(content: Sink => Unit): Unit = {
    val options = Seq(StandardOpenOption.WRITE, StandardOpenOption.CREATE)
    val channel = FileChannel.open(Paths.get(path), options: _*)
    try content(new Sink(channel))
    finally channel.close()
  }
}
