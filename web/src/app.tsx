/** The frame of the page: its head with the rooms, the room that is chosen, and what it says. */
import type { ComponentChild } from "preact";
import { docked, LessonPanel } from "./parts/lesson_panel";
import { Links } from "./parts/links";
import { Notice } from "./parts/notice";
import { OpenedModel } from "./parts/opened";
import { Transport } from "./parts/transport";
import { choose, settings } from "./model/bench";
import { shows } from "./model/groups";
import { lesson } from "./model/lesson";
import { ROOMS, type Room } from "./model/settings";
import { DataRoom } from "./rooms/data/room";
import { LandscapeRoom } from "./rooms/landscape/room";
import { LessonsRoom } from "./rooms/lessons/room";
import { NetworkRoom } from "./rooms/network/room";
import { StepRoom } from "./rooms/step/room";

const VIEWS: Readonly<Record<Room, { readonly title: string; readonly View: () => ComponentChild }>> = {
  network: { title: "Network", View: NetworkRoom },
  step: { title: "Step", View: StepRoom },
  landscape: { title: "Landscape", View: LandscapeRoom },
  data: { title: "Data", View: DataRoom },
  lessons: { title: "Lessons", View: LessonsRoom },
};

export function App() {
  const { room, hide } = settings.value;
  const { View } = VIEWS[room];
  return (
    <>
      <header class="head">
        <h1>
          delta<b>rule</b> <span>playground</span>
        </h1>
        {shows(hide, "rooms") && (
          <nav aria-label="Rooms">
            {ROOMS.filter((name) => shows(hide, `${name}_room`)).map((name) => (
              <a
                key={name}
                href={`#room=${name}`}
                aria-current={name === room ? "page" : undefined}
                onClick={(event) => {
                  event.preventDefault();
                  void choose({ room: name });
                }}
              >
                {VIEWS[name].title}
              </a>
            ))}
          </nav>
        )}
        <Links />
      </header>
      <Transport />
      <OpenedModel />
      <Notice />
      <div class={lesson.value ? `with-lesson ${docked.value}` : undefined}>
        <main>
          <View />
        </main>
        <LessonPanel />
      </div>
    </>
  );
}
