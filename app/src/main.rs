//! Mounts the page.

fn main() {
    console_error_panic_hook::set_once();
    // The page runs this module in its workers too.
    if let Some(page) = app::platform::worker::Inside::open() {
        return wasm_bindgen_futures::spawn_local(app::session::remote::serve(page));
    }
    app::platform::media::end_prelude();
    // In a task of its own: the browser has just spent one on making the module ready.
    wasm_bindgen_futures::spawn_local(async {
        app::platform::time::sleep_ms(0).await;
        app::texts::read();
        let untranslated = app::session::translation::fetch().await;
        app::platform::time::sleep_ms(0).await;
        leptos::mount::mount_to_body(move || leptos::view! { <app::page::Page untranslated /> });
    });
}
