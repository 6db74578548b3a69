package mllibpy.api

import java.io.{DataInputStream, InputStream, OutputStream}
import java.nio.charset.StandardCharsets.US_ASCII
import java.nio.{ByteBuffer, ByteOrder}

/** NumPy's array file, version 1.0, little-endian, C order: what a model needs of it. */
object Npy {
  private val magic: Array[Byte] = Array(0x93.toByte, 'N', 'U', 'M', 'P', 'Y', 1, 0)
  private final val Chunk = 1 << 16

  def writeLongs(out: OutputStream, a: Array[Long]): Unit = {
    header(out, "<i8", s"(${a.length},)")
    chunks(out, a.length, 8)((b, from, n) => b.asLongBuffer().put(a, from, n))
  }

  def writeInts(out: OutputStream, a: Array[Int]): Unit = {
    header(out, "<i4", s"(${a.length},)")
    chunks(out, a.length, 4)((b, from, n) => b.asIntBuffer().put(a, from, n))
  }

  def writeBytes(out: OutputStream, a: Array[Byte]): Unit = {
    header(out, "|u1", s"(${a.length},)")
    out.write(a)
  }

  def writeMatrix(out: OutputStream, a: Array[Float], rows: Int, columns: Int): Unit = {
    header(out, "<f4", s"($rows, $columns)")
    chunks(out, a.length, 4)((b, from, n) => b.asFloatBuffer().put(a, from, n))
  }

  private def chunks(out: OutputStream, length: Int, width: Int)(
      put: (ByteBuffer, Int, Int) => Any
  ): Unit = {
    val bytes = new Array[Byte](Chunk * width)
    var from = 0
    while (from < length) {
      val n = Math.min(Chunk, length - from)
      put(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), from, n)
      out.write(bytes, 0, n * width)
      from += n
    }
  }

  private def header(out: OutputStream, dtype: String, shape: String): Unit = {
    val text = s"{'descr': '$dtype', 'fortran_order': False, 'shape': $shape, }"
    // The data start at a multiple of 64 bytes.
    val padded = text.padTo((text.length + 11 + 63) / 64 * 64 - 11, ' ') + "\n"
    out.write(magic)
    out.write(padded.length & 0xff)
    out.write(padded.length >> 8)
    out.write(padded.getBytes(US_ASCII))
  }

  /** The data behind the header, which must be of the given type. */
  private def body(in: InputStream, dtype: String): (Array[Byte], String) = {
    val data = new DataInputStream(in)
    val start = new Array[Byte](8)
    data.readFully(start)
    require(java.util.Arrays.equals(start, magic), "not an NPY file of version 1.0")
    val length = data.readUnsignedByte() | (data.readUnsignedByte() << 8)
    val text = new Array[Byte](length)
    data.readFully(text)
    val header = new String(text, US_ASCII)
    require(
      header.contains(s"'$dtype'") && header.contains("'fortran_order': False"),
      s"not an array of $dtype"
    )
    (data.readAllBytes(), header)
  }

  private def buffer(bytes: Array[Byte]): ByteBuffer =
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)

  def readLongs(in: InputStream): Array[Long] = {
    val bytes = body(in, "<i8")._1
    val a = new Array[Long](bytes.length / 8)
    buffer(bytes).asLongBuffer().get(a)
    a
  }

  def readInts(in: InputStream): Array[Int] = {
    val bytes = body(in, "<i4")._1
    val a = new Array[Int](bytes.length / 4)
    buffer(bytes).asIntBuffer().get(a)
    a
  }

  def readBytes(in: InputStream): Array[Byte] = body(in, "|u1")._1

  def readFloats(in: InputStream): Array[Float] = {
    val bytes = body(in, "<f4")._1
    val a = new Array[Float](bytes.length / 4)
    buffer(bytes).asFloatBuffer().get(a)
    a
  }
}
