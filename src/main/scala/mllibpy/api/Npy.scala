package mllibpy.api

import java.io.{DataInputStream, InputStream, OutputStream}
import java.lang.Math.multiplyExact
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

  def writeFloats(out: OutputStream, a: Array[Float]): Unit = {
    header(out, "<f4", s"(${a.length},)")
    chunks(out, a.length, 4)((b, from, n) => b.asFloatBuffer().put(a, from, n))
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

  private val shape = """'shape': \(([0-9, ]*)\)""".r.unanchored

  /** Reads the header, which must be of the given type, and gives the number of elements. */
  private def length(in: DataInputStream, dtype: String): Int = {
    val start = new Array[Byte](8)
    in.readFully(start)
    require(java.util.Arrays.equals(start, magic), "not an NPY file of version 1.0")
    val text = new Array[Byte](in.readUnsignedByte() | (in.readUnsignedByte() << 8))
    in.readFully(text)
    new String(text, US_ASCII) match {
      case header @ shape(extents)
          if header.contains(s"'$dtype'") && header.contains("'fortran_order': False") =>
        extents.split(',').map(_.trim).filter(_.nonEmpty).map(_.toInt).foldLeft(1)(multiplyExact)
      case _ => throw new IllegalArgumentException(s"not an array of $dtype")
    }
  }

  /** Fills an array of the header's length, a chunk at a time: a file may be larger than one Java
    * array of its bytes.
    */
  private def read[A](in: InputStream, dtype: String, width: Int, make: Int => A)(
      get: (ByteBuffer, A, Int, Int) => Any
  ): A = {
    val data = new DataInputStream(in)
    val n = length(data, dtype)
    val a = make(n)
    val bytes = new Array[Byte](Chunk * width)
    var from = 0
    while (from < n) {
      val some = Math.min(Chunk, n - from)
      data.readFully(bytes, 0, some * width)
      get(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), a, from, some)
      from += some
    }
    require(data.read() < 0, "longer than its header says")
    a
  }

  def readLongs(in: InputStream): Array[Long] =
    read(in, "<i8", 8, new Array[Long](_))((b, a, from, n) => b.asLongBuffer().get(a, from, n))

  def readInts(in: InputStream): Array[Int] =
    read(in, "<i4", 4, new Array[Int](_))((b, a, from, n) => b.asIntBuffer().get(a, from, n))

  def readBytes(in: InputStream): Array[Byte] =
    read(in, "|u1", 1, new Array[Byte](_))((b, a, from, n) => b.get(a, from, n))

  def readFloats(in: InputStream): Array[Float] =
    read(in, "<f4", 4, new Array[Float](_))((b, a, from, n) => b.asFloatBuffer().get(a, from, n))
}
