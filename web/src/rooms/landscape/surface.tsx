/** The surface: J over two directions of the space of weights, and the training on it. */
import { useMemo } from "preact/hooks";
import { moved, playing, setWeights } from "../../model/bench";
import type { Problem } from "../../model/problem";
import { Choice, NumberField, Switch } from "../../parts/fields";
import { short } from "../../parts/numbers";
import { say, standing } from "./job";
import { barrierOf, barrierSentence, Profile } from "./profile";
import { Progress } from "./progress";
import { isFlat, RunMap } from "./run_map";
import { restarts, trainRestarts } from "./restarts_state";
import { lowest } from "./heights";
import { pointOf } from "./slices";
import { SurfacePicture, type Way } from "./surface_picture";
import {
  change,
  choiceOf,
  chosenPlaces,
  choosePoint,
  draw,
  drawn,
  follow,
  kind,
  KINDS,
  log,
  placeChoices,
  point,
  reach,
  trouble,
  type Kind,
} from "./surface_state";
import { segments, trail } from "./trail";
import { WeightPicker } from "./weight_picker";

const TITLES: Readonly<Record<Kind, string>> = {
  weights: "through two weights",
  line: "line between two minima",
  plane: "plane through three places",
};

export function Surface({ made }: { readonly made: Problem }) {
  return (
    <section class="landscape-view" aria-labelledby="surface-title">
      <h2 id="surface-title">
        Training goes downhill on the surface of J over all weights. Cut a slice through it and
        watch the training walk.
      </h2>
      <div class="landscape-surface-room">
        <div class="landscape-side">
          <button
            type="button"
            class="primary"
            disabled={standing.value !== null}
            onClick={() => void draw()}
          >
            ▶ Draw the surface
          </button>
          <Choice
            label="slice"
            value={kind.value}
            options={KINDS.map((name) => [name, TITLES[name]])}
            onChoose={(value) => {
              kind.value = value as Kind;
              trouble.value = "";
            }}
          />
          {kind.value === "weights" ? <WeightChoices made={made} /> : <PlaceChoices />}
          <Switch
            label="log scale of J"
            value={log.value}
            onChoose={(value) => (log.value = value)}
          />
          <Progress />
        </div>
        <Picture made={made} />
      </div>
    </section>
  );
}

function WeightChoices({ made }: { readonly made: Problem }) {
  const shown = drawn.value?.heights.slice;
  const wide = reach.value ?? (shown ? Number(((shown.u[1] - shown.u[0]) / 2).toPrecision(3)) : 6);
  return (
    <>
      <WeightPicker made={made} />
      <NumberField
        label="± around"
        value={wide}
        low={0.01}
        high={1000}
        onChoose={(value) => change(() => (reach.value = value))}
      />
      <Switch
        label="draw anew as it trains"
        value={follow.value}
        onChoose={(value) => (follow.value = value)}
      />
    </>
  );
}

function PlaceChoices() {
  const count = kind.value === "line" ? 2 : 3;
  const options = placeChoices();
  const many = restarts.value?.tracks.length ?? 0;
  return (
    <>
      {many === 0 && (
        <div class="landscape-chosen">
          <p>Minima to go between come from restarts.</p>
          <button
            type="button"
            disabled={standing.value !== null}
            onClick={() => void trainRestarts().then(() => draw())}
          >
            Train restarts and draw
          </button>
        </div>
      )}
      {chosenPlaces.value.slice(0, count).map((choice, index) => (
        <Choice
          key={index}
          label={`place ${"ABC"[index]}`}
          value={choiceOf(choice)}
          options={options}
          onChoose={(value) =>
            change(() => {
              const places = [...chosenPlaces.value] as [string, string, string];
              places[index] = value;
              chosenPlaces.value = places;
            })
          }
        />
      ))}
    </>
  );
}

function Picture({ made }: { readonly made: Problem }) {
  const shown = drawn.value;
  if (trouble.value) return <p class="empty">{trouble.value}</p>;
  if (!shown) return <p class="empty">Nothing is drawn yet: press the button.</p>;
  const { heights, places, tracks, kind: of } = shown;
  const now = moved.value?.state.vector ?? null;
  const own = segments(trail.value).map((points): Way => ({ name: "the training", points }));
  const ways = [
    ...tracks.map(({ name, path }): Way => ({ name, points: path, dashed: true })),
    ...own,
  ];
  const fits = now !== null && now.length === heights.slice.origin.length;
  return (
    <div class="landscape-shown">
      <p class="landscape-result">
        {of === "line" ? barrierSentence(barrierOf(heights)) : planeSentence()}
      </p>
      {of === "line" && (
        <Profile heights={heights} log={log.value} marks={places} now={fits ? now : null} />
      )}
      <div class={of === "line" ? undefined : "landscape-with-maps"}>
        {of !== "line" && (
          <SurfacePicture
            heights={heights}
            log={log.value}
            ways={fits ? ways : []}
            marks={places}
            now={fits ? now : null}
            point={point.value}
            onPoint={(u, v) => void choosePoint(u, v)}
          />
        )}
        <Maps made={made} />
      </div>
      {of !== "line" && <Chosen />}
      <Note />
    </div>
  );
}

/** What the network says at the places of the slice: weights and function beside each other. */
function Maps({ made }: { readonly made: Problem }) {
  const { places, heights } = drawn.value!;
  const [at, state] = [point.value, moved.value?.state];
  const there = useMemo(
    () => at && pointOf(heights.slice, at.u, at.v),
    [at?.u, at?.v, heights.slice],
  );
  if (!isFlat(made) || !state) return null;
  const shown: [string, Float64Array][] = places.map(({ letter, vector }) => [letter, vector]);
  if (!playing.value) shown.push(["now", state.vector]);
  if (there) shown.push(["+", there]);
  return (
    <ul class="landscape-maps" aria-label="Decision maps at the places">
      {shown.map(([letter, vector]) => (
        <li key={letter}>
          <figure class="landscape-end">
            <RunMap
              made={made}
              scaling={made.scaling}
              vector={vector}
              buffers={state.buffers}
              label={`Map of the output at ${letter}`}
            />
            <figcaption>
              <b>{letter}</b>
            </figcaption>
          </figure>
        </li>
      ))}
    </ul>
  );
}

function planeSentence(): string {
  const { heights } = drawn.value!;
  const { slice } = heights;
  const low = lowest(heights);
  const at = moved.value
    ? ` The training stands at J = ${short(moved.value.measures.objective)}.`
    : "";
  if (drawn.value!.kind === "plane")
    return `The lowest point of this slice has J = ${short(low.objective)}.${at}`;
  return (
    `The lowest point of this slice has J = ${short(low.objective)}, ` +
    `at ${slice.titles[0]} = ${short(low.u)} and ` +
    `${slice.titles[1]} = ${short(low.v)}.${at}`
  );
}

function Chosen() {
  const at = point.value;
  const { slice } = drawn.value!.heights;
  if (!at)
    return (
      <p class="landscape-note">
        Click the surface, or move a point with the arrow keys, to read J anywhere and to go there.
      </p>
    );
  const put = async () => {
    await setWeights(pointOf(slice, at.u, at.v));
    say("The training now stands at the point that you chose: press Train to see where it goes.");
  };
  const [first, second] =
    drawn.value!.kind === "weights" ? slice.titles : ["to the right", "upwards"];
  return (
    <div class="landscape-chosen" role="group" aria-label="The point that is chosen">
      <p>
        {first} = {short(at.u)}, {second} = {short(at.v)}:{" "}
        <b>J = {at.objective === null ? "…" : short(at.objective)}</b>
      </p>
      <button type="button" onClick={() => void put()}>
        Put the weights here
      </button>
    </div>
  );
}

function Note() {
  const { kind: of, epoch } = drawn.value!;
  const buffers = moved.value?.state.buffers.length ?? 0;
  const others = "all other weights are held where they stood";
  return (
    <p class="landscape-note">
      {of === "weights" && `Slice through epoch ${epoch}: ${others}. `}
      {of === "line" ? (
        "The ring is the point of the line that is nearest to the training now."
      ) : (
        <Ways />
      )}
      {buffers > 0 && " Running statistics of normalised layers are those of the training."}
    </p>
  );
}

function Ways() {
  const { kind: of, tracks } = drawn.value!;
  return (
    <>
      The ring is where the training stands now, the white line its way
      {tracks.length > 0 && ", the broken lines the ways of the restarts"}
      {of === "plane" && "; ways that leave the plane are seen from above it"}.
    </>
  );
}
