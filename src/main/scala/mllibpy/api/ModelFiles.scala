package mllibpy.api

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.ObjectNode
import mllibpy.algorithm.als.{AlsModel, AlsParams, FactorTable, FitFacts, Seen}
import mllibpy.engine.{InvalidInput, StepRecord, TextIds}
import mllibpy.kernel.{PackedFloats, Scramble}
import org.apache.hadoop.fs.Path

import java.io.{ByteArrayOutputStream, InputStream, OutputStream}
import java.nio.charset.StandardCharsets.UTF_8
import java.security.{DigestInputStream, DigestOutputStream, MessageDigest}
import java.util.UUID
import scala.jdk.CollectionConverters._

/** A model as a folder of plain data: `model.json` for facts, NPY files for arrays, and
  * `checksums.json` with the SHA-256 of each. Written under a temporary name and renamed; loading
  * runs no code.
  */
final class ModelFiles(files: Files) {
  import ModelFiles._

  def save(model: AlsModel, uri: String, overwrite: Boolean): Unit = {
    val path = new Path(uri)
    val fs = files.system(path)
    InvalidInput.unless(
      overwrite || !fs.exists(path),
      s"$uri exists already; pass overwrite=True to replace it"
    )
    // What overwriting deletes is a model, not somebody's data.
    InvalidInput.unless(
      !fs
        .exists(path) || (fs.exists(new Path(path, Facts)) && fs.exists(new Path(path, Checksums))),
      s"$uri exists and is not a model saved by mllib_py; it is left alone: choose another path"
    )
    val temporary = new Path(path.getParent, s".${path.getName}.${UUID.randomUUID}")
    try {
      fs.mkdirs(temporary)
      val sums = mapper.createObjectNode()
      for ((name, write) <- contents(model)) {
        val out = new DigestOutputStream(fs.create(new Path(temporary, name)), sha256)
        try write(out)
        finally out.close()
        sums.put(name, hex(out.getMessageDigest))
      }
      val out = fs.create(new Path(temporary, Checksums))
      try out.write(mapper.writerWithDefaultPrettyPrinter.writeValueAsBytes(sums))
      finally out.close()
      files.replace(fs, temporary, path)
    } finally if (fs.exists(temporary)) { fs.delete(temporary, true); () }
  }

  private def contents(m: AlsModel): Seq[(String, OutputStream => Unit)] =
    Seq(
      Facts -> ((out: OutputStream) =>
        out.write(mapper.writerWithDefaultPrettyPrinter.writeValueAsBytes(facts(m)))
      ),
      "user_factors.npy" -> (Npy.writeMatrix(_, m.users.rows, m.users.size, m.users.rank)),
      "item_factors.npy" -> (Npy.writeMatrix(_, m.items.rows, m.items.size, m.items.rank)),
      "seen_start.npy" -> (Npy.writeInts(_, m.seen.start)),
      "seen_items.npy" -> (Npy.writeInts(_, m.seen.items))
    ) ++ values(m.seen) ++ ids("user_ids", m.users) ++ ids("item_ids", m.items)

  /** What each user rated: one number each, or a byte each that says which of the numbers. */
  private def values(seen: Seen): Seq[(String, OutputStream => Unit)] =
    Option(seen.values).toSeq.flatMap { v =>
      if (v.codes == null) Seq(Values -> (Npy.writeFloats(_, v.floats)))
      else Seq(Values -> (Npy.writeFloats(_, v.dictionary)), Codes -> (Npy.writeBytes(_, v.codes)))
    }

  private def ids(name: String, t: FactorTable): Seq[(String, OutputStream => Unit)] =
    if (t.names == null) Seq(s"$name.npy" -> (Npy.writeLongs(_, t.integerIds)))
    else {
      val utf8 = t.names.map(_.getBytes(UTF_8))
      Seq(
        s"${name}_offsets.npy" -> (Npy.writeLongs(_, utf8.scanLeft(0L)(_ + _.length))),
        s"${name}_utf8.npy" -> ((out: OutputStream) => {
          val all = new ByteArrayOutputStream
          utf8.foreach(b => all.write(b, 0, b.length))
          Npy.writeBytes(out, all.toByteArray)
        })
      )
    }

  def load(uri: String): AlsModel = {
    InvalidInput.unless(files.exists(uri), s"there is no model at $uri")
    val sums = read(uri, Checksums, None)(in => mapper.readTree(in.readAllBytes()))
    def part[T](name: String)(f: InputStream => T): T = {
      InvalidInput.unless(
        sums.has(name),
        s"$uri: $Checksums does not list $name; the model is damaged, save it again"
      )
      read(uri, name, Some(sums.get(name).asText))(f)
    }
    val facts = part(Facts)(in => mapper.readTree(in.readAllBytes())).asInstanceOf[ObjectNode]
    InvalidInput.unless(
      facts.path("format").asText == Format,
      s"$uri is not a model saved by mllib_py"
    )
    val version = facts.path("version").asInt
    InvalidInput.unless(
      version == WithoutValues || version == Version,
      s"$uri has format version $version; this mllib_py reads versions $WithoutValues and $Version"
    )
    val params = AlsParams.of(facts.get("params").asInstanceOf[ObjectNode])
    def table(side: String): FactorTable = {
      val rows = part(s"${side}_factors.npy")(Npy.readFloats)
      val (keys, names) = if (sums.has(s"${side}_ids.npy")) {
        (part(s"${side}_ids.npy")(Npy.readLongs).map(Scramble.mix), null)
      } else {
        val offsets = part(s"${side}_ids_offsets.npy")(Npy.readLongs)
        val utf8 = part(s"${side}_ids_utf8.npy")(Npy.readBytes)
        val names = Array.tabulate(offsets.length - 1)(i =>
          Parsed.utf8(utf8, offsets(i).toInt, offsets(i + 1).toInt)
        )
        (names.map(TextIds.key), names)
      }
      new FactorTable(params.width, keys, names, rows)
    }
    def values(size: Int): PackedFloats = {
      val floats = part(Values)(Npy.readFloats)
      val out =
        if (!sums.has(Codes)) new PackedFloats(null, null, floats)
        else new PackedFloats(floats, part(Codes)(Npy.readBytes), null)
      InvalidInput.unless(
        out.size == size,
        s"$uri: $Values is truncated or altered; save the model again"
      )
      out
    }
    val items = part("seen_items.npy")(Npy.readInts)
    val seen = new Seen(
      part("seen_start.npy")(Npy.readInts),
      items,
      if (version == WithoutValues) null else values(items.length)
    )
    new AlsModel(params, table("user"), table("item"), seen, ModelJson.fitFacts(facts.get("fit")))
  }

  private def read[T](
      uri: String,
      name: String,
      checksum: Option[String]
  )(f: InputStream => T): T = {
    val path = new Path(uri, name)
    val fs = files.system(path)
    InvalidInput.unless(
      fs.exists(path),
      s"$uri has no $name; it is not a whole model saved by mllib_py"
    )
    val in = new DigestInputStream(fs.open(path), sha256)
    val out =
      try {
        val result =
          try Right(f(in))
          catch { case e: Exception => Left(e) }
        in.transferTo(OutputStream.nullOutputStream())
        result
      } finally in.close()
    val whole = checksum.forall(_ == hex(in.getMessageDigest))
    InvalidInput.unless(
      whole && out.isRight,
      s"$uri: $name is truncated or altered; save the model again"
    )
    out.toOption.get
  }
}

object ModelFiles {
  private final val Format = "mllib_py ALS"
  private final val Version = 2
  // Before the ratings' values were kept.
  private final val WithoutValues = 1
  private final val Facts = "model.json"
  private final val Checksums = "checksums.json"
  private final val Values = "seen_values.npy"
  private final val Codes = "seen_codes.npy"
  private val mapper = new ObjectMapper()

  private def sha256: MessageDigest = MessageDigest.getInstance("SHA-256")
  private def hex(d: MessageDigest): String = d.digest().map(b => f"$b%02x").mkString

  private def facts(m: AlsModel): ObjectNode = {
    val out = mapper.createObjectNode()
    out.put("format", Format)
    out.put("version", if (m.seen.values == null) WithoutValues else Version)
    out.set[ObjectNode]("params", m.params.json)
    out.set[ObjectNode]("fit", ModelJson.of(m.facts))
    out
  }
}

/** Facts of a fit as JSON and back. */
object ModelJson {
  private val mapper = new ObjectMapper()

  def of(f: FitFacts): ObjectNode = {
    val out = mapper.createObjectNode()
    out.put("strategy", f.strategy)
    out.put("stop_reason", f.stopReason)
    out.put("n_iter", f.iterations)
    out.put("n_ratings", f.ratings)
    out.put("mean_rating", f.meanRating)
    out.put("num_blocks", f.blocks)
    val seconds = out.putObject("seconds")
    f.seconds.foreach { case (k, v) => seconds.put(k, v) }
    val history = out.putArray("history")
    f.history.foreach(r => history.add(of(r)))
    f.bestIteration.foreach(out.put("best_iteration", _))
    if (f.singular > 0) out.put("n_singular", f.singular)
    out
  }

  def of(r: StepRecord): ObjectNode = {
    val out = mapper.createObjectNode()
    out.put("iteration", r.iteration)
    out.put("side", r.stage)
    out.put("objective", r.objective)
    out.put("seconds", r.seconds)
    r.validation.foreach(out.put("validation", _))
    out
  }

  def fitFacts(j: com.fasterxml.jackson.databind.JsonNode): FitFacts = FitFacts(
    j.get("strategy").asText,
    j.get("stop_reason").asText,
    j.get("n_iter").asInt,
    j.get("n_ratings").asLong,
    j.get("mean_rating").asDouble,
    j.get("num_blocks").asInt,
    j.get("history")
      .elements
      .asScala
      .map(r =>
        StepRecord(
          r.get("iteration").asInt,
          r.get("side").asText,
          r.get("objective").asDouble,
          r.get("seconds").asDouble,
          Option(r.get("validation")).map(_.asDouble)
        )
      )
      .toSeq,
    j.get("seconds").properties.asScala.toSeq.map(e => e.getKey -> e.getValue.asDouble).toMap,
    Option(j.get("best_iteration")).map(_.asInt),
    Option(j.get("n_singular")).fold(0L)(_.asLong)
  )
}
