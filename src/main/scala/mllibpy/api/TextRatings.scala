package mllibpy.api

import mllibpy.algorithm.als.Ratings
import mllibpy.engine.{InvalidInput, TextIds, Triples, TriplesBuilder}
import mllibpy.kernel.Scramble
import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.Path
import org.apache.hadoop.io.compress.CompressionCodecFactory
import org.apache.hadoop.io.{LongWritable, Text}
import org.apache.hadoop.mapred.{FileInputFormat, FileSplit, JobConf, TextInputFormat}
import org.apache.spark.SparkContext
import org.apache.spark.rdd.HadoopRDD

import java.io.{EOFException, IOException}
import java.util.zip.ZipException
import scala.collection.mutable

/** Ratings from text files of any file system that Hadoop knows, plain or compressed, parsed on the
  * cluster. A line that is not a rating is reported with its file, number and text.
  */
object TextRatings {
  def read(
      sc: SparkContext,
      uri: String,
      files: Files,
      userCol: String,
      itemCol: String,
      ratingCol: String,
      weightCol: Option[String]
  ): Ratings = {
    val first = files.first(uri)
    val format =
      TextFormat.find(
        first.path,
        files.lines(first.path, 2),
        userCol,
        itemCol,
        ratingCol,
        weightCol
      )
    val conf = new JobConf(sc.hadoopConfiguration)
    // As a path, not as a text: a comma in a text would cut it in two.
    FileInputFormat.setInputPaths(conf, new Path(uri))
    val lines = sc.hadoopRDD(
      conf,
      classOf[TextInputFormat],
      classOf[LongWritable],
      classOf[Text],
      sc.defaultParallelism
    )
    val parsed = lines
      .asInstanceOf[HadoopRDD[LongWritable, Text]]
      .mapPartitionsWithInputSplit((split, it) =>
        new LineParser(format, split.asInstanceOf[FileSplit].getPath.toString).parse(it)
      )
    Parsed.ratings(
      parsed,
      format.textUsers,
      format.textItems,
      format.time >= 0,
      format.weight >= 0,
      uri,
      p => report(files, p.head)
    )
  }

  private def report(files: Files, p: Problem): InvalidInput =
    new InvalidInput(s"${p.place}, line ${files.lineNumber(p.place, p.at)}: ${p.text}")
}

/** Parses the lines of one split into chunks; stops at the first bad line. */
private final class LineParser(format: TextFormat, path: String) {
  private val builder = new TriplesBuilder(1024, format.time >= 0, format.weight >= 0)
  private val users = mutable.Set.empty[String]
  private val items = mutable.Set.empty[String]
  private var problem: Option[Problem] = None
  private var headerDue = false
  // What Hadoop's decompressors throw has no type of its own.
  private lazy val compressed =
    new CompressionCodecFactory(new Configuration).getCodec(new Path(path)) != null
  private val ascii = new AsciiFields(format.separator)
  private val numbers = !format.textUsers && !format.textItems &&
    Seq(format.user, format.item, format.rating, format.time, format.weight)
      .forall(_ < AsciiFields.Most)

  def parse(lines: Iterator[(LongWritable, Text)]): Iterator[Parsed] = new Iterator[Parsed] {
    private var ended = false
    private var last = 0L
    def hasNext: Boolean = !ended

    private def more: Boolean = problem.isEmpty && {
      try lines.hasNext
      catch {
        case _: EOFException => damaged("cut off")
        case _: ZipException => damaged("damaged")
        case e: IOException if e.getClass == classOf[IOException] && compressed =>
          damaged("damaged")
      }
    }

    private def damaged(how: String): Boolean = {
      problem = Some(Problem(path, last, s"the compressed file is $how after this line"))
      false
    }

    def next(): Parsed = {
      while (builder.size < Triples.ChunkSize && more) {
        val (offset, text) = lines.next()
        last = offset.get
        if (offset.get == 0) headerDue = format.header.nonEmpty
        if (headerDue) { if (!text.toString.isBlank) header(text) }
        else add(text, offset.get)
      }
      ended = !more
      // Names are few beside ratings: they go with the last chunk.
      new Parsed(
        builder.result(),
        if (ended) users.toArray else Array.empty,
        if (ended) items.toArray else Array.empty,
        problem.toSeq
      )
    }
  }

  /** Every file must start as the first one does, or its columns would be taken for others. */
  private def header(line: Text): Unit = {
    headerDue = false
    def names(head: String) = TextFormat.fields(head, format.separator).map(_.trim).toSeq
    val (own, first) = (line.toString, format.header.get)
    if (names(own) != names(first)) {
      val clipped = (TextFormat.clip(own), TextFormat.clip(first))
      val text = s"'${clipped._1}' is not the header of the first file, '${clipped._2}'"
      problem = Some(Problem(path, 0, text))
    }
  }

  private def add(line: Text, offset: Long): Unit =
    if (line.getLength > 0 && !(numbers && addPlain(line))) addText(line, offset)

  /** Adds a line of plain numbers; false where it is anything else. */
  private def addPlain(line: Text): Boolean = {
    val bytes = line.getBytes
    ascii.split(bytes, line.getLength)
    val user = ascii.long(bytes, format.user)
    val item = ascii.long(bytes, format.item)
    val rating = ascii.float(bytes, format.rating)
    val time = if (format.time >= 0) ascii.long(bytes, format.time) else 0L
    val weight = if (format.weight >= 0) ascii.float(bytes, format.weight) else 1f
    if (ascii.plain) builder.add(Scramble.mix(user), Scramble.mix(item), rating, time, weight)
    ascii.plain
  }

  private def addText(line: Text, offset: Long): Unit = if (!line.toString.isBlank) {
    val f = TextFormat.fields(line.toString, format.separator)
    try
      builder.add(
        key(field(f, format.user, "user"), format.textUsers, "user", users),
        key(field(f, format.item, "item"), format.textItems, "item", items),
        number(field(f, format.rating, "rating"), "rating"),
        if (format.time >= 0) time(field(f, format.time, "timestamp")) else 0,
        if (format.weight >= 0) number(field(f, format.weight, "weight"), "weight") else 1f
      )
    catch {
      case e: BadField =>
        problem = Some(Problem(path, offset, s"${e.what} in '${TextFormat.clip(line.toString)}'"))
    }
  }

  private def field(f: Array[String], at: Int, name: String): String =
    if (at < f.length && f(at) != null && f(at).nonEmpty) f(at) else throw new BadField(s"no $name")

  private def key(s: String, text: Boolean, name: String, seen: mutable.Set[String]): Long =
    if (text) {
      seen += s
      TextIds.key(s)
    } else
      Scramble.mix(
        s.trim.toLongOption
          .getOrElse(throw new BadField(s"the $name '${TextFormat.clip(s)}' is not an integer"))
      )

  private def number(s: String, name: String): Float =
    s.trim.toFloatOption.getOrElse(
      throw new BadField(s"the $name '${TextFormat.clip(s)}' is not a number")
    )

  private def time(s: String): Long =
    s.trim.toLongOption.getOrElse(
      throw new BadField(s"the timestamp '${TextFormat.clip(s)}' is not an integer")
    )
}

private final class BadField(val what: String) extends RuntimeException(what, null, false, false)
